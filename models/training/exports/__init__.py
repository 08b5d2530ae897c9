"""The export of trained models: as SavedModels, and as ONNX for other programs.

ONNX needs requirements-onnx.txt, whose packages are imported only where they are used.
"""
