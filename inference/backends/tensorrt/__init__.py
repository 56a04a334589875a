"""TensorRT on NVIDIA GPUs and DLA cores, with pycuda for memory, streams and events."""
