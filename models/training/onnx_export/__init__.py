"""The export of trained models to ONNX, for programs that cannot link TensorFlow.

It needs requirements-onnx.txt, whose packages are imported only where they are used.
"""
