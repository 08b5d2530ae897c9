"""Programs without TensorFlow that do the same work, each in a process of its own."""
