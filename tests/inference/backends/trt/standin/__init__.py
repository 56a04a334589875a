"""TensorRT and pycuda for machines without a GPU: their names and signatures read from the real ones, their work done
by ONNX Runtime on memory that is watched.
"""
