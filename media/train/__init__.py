"""Training networks on one's own recordings; nothing here is needed to answer.

Importing a module here may import torch.
"""
