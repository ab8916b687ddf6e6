"""Files in the layout of published weights, with random numbers that keep features alive."""

import torch

from ddriqa.restoration.losses.backbones import NETWORKS


def random_network(name, seed=0):
    network = NETWORKS[name]()
    random = torch.Generator().manual_seed(seed)
    for tensor in network.state_dict().values():
        deviation = (2 / tensor[0].numel()) ** 0.5 if tensor.ndim == 4 else 0.1
        tensor.normal_(0, deviation, generator=random)
    return network


def save_network(folder, name):
    """As torchvision's file: features, and a classifier that nothing here needs."""
    path = folder / f"{name}.pth"
    tensors = random_network(name).state_dict() | {"classifier.6.bias": torch.zeros(10)}
    torch.save(tensors, path)
    return path


def picture(height, width, batch=1, seed=0, dtype=torch.float32):
    random = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 3, height, width, generator=random, dtype=torch.double).to(dtype)
