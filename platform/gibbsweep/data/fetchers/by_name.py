"""The fetcher of each data set, by the name of its catalogue entry."""

from gibbsweep.data.fetchers.celeba import fetch_celeba
from gibbsweep.data.fetchers.faces import fetch_faces
from gibbsweep.data.fetchers.modelnet import fetch_modelnet
from gibbsweep.data.fetchers.omniglot import fetch_omniglot
from gibbsweep.data.fetchers.shapenet import fetch_shapenet
from gibbsweep.data.fetchers.source import Fetcher
from gibbsweep.data.fetchers.speech import fetch_fsdd, fetch_ljspeech, fetch_sc09
from gibbsweep.data.fetchers.torchvision_arrays import fetch_svhn, fetch_with_train_flag

FETCHERS: dict[str, Fetcher] = {
    "mnist": fetch_with_train_flag("MNIST"),
    "fashion_mnist": fetch_with_train_flag("FashionMNIST"),
    "kmnist": fetch_with_train_flag("KMNIST"),
    "cifar10": fetch_with_train_flag("CIFAR10"),
    "svhn": fetch_svhn,
    "celeba": fetch_celeba,
    "omniglot": fetch_omniglot,
    "faces": fetch_faces,
    "modelnet10": fetch_modelnet("ModelNet10"),
    "modelnet40": fetch_modelnet("ModelNet40"),
    "shapenet": fetch_shapenet,
    "fsdd": fetch_fsdd,
    "sc09": fetch_sc09,
    "ljspeech": fetch_ljspeech,
}
