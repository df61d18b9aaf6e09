"""PyTorch, eager: an nn.Sequential, fused Adam, batches indexed from a tensor."""

import common
import torch
from torch import nn

PEER = "PyTorch"

# Set first, since threads that start later inherit it.
torch.set_flush_denormal(True)
torch.set_num_threads(common.args.threads)
torch.manual_seed(common.args.seed)

layers = [nn.Linear(*pair) for pair in common.layer_sizes]
model = nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))[:-1]


@torch.inference_mode()
def predict(images):
    return model(torch.as_tensor(images))


if common.args.task == "infer":
    common.infer(PEER, torch.__version__, predict, convert=torch.from_numpy)
    raise SystemExit

images, labels = map(torch.from_numpy, common.load("train"))
adam = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)


def epoch():
    for rows in torch.randperm(len(labels)).split(common.args.batch):
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()


common.train(PEER, torch.__version__, epoch, predict)
