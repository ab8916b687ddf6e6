"""What is in a picture: directions of an ImageNet classifier that damage moves little.

The head of the tower feeds a classifier of 1000 classes in its own package. Its weights say which
directions of the head matter to content; how damage moves a photograph's head says which of these
to trust. Class names give words to the same space.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ddriqa.encoder_training.readout import Linear

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

CLASSES = 1000
WITHIN_SHRINKAGE, SPREAD_SHRINKAGE = 0.6, 0.3  # of scatters, towards a multiple of the identity
CLASSIFIER = "_fc.weight"
"""The classifier's weights ``(1000, 1280)`` in the published file of the tower (Apache-2.0)."""


@dataclass(frozen=True)
class Concept:
    """A name for content and the ImageNet classes that it stands for."""

    name: str
    classes: tuple[int, ...]


def fit_content(
    head: np.ndarray, photo: np.ndarray, class_weights: np.ndarray, count: int
) -> Linear:
    """The ``count`` directions that tell classes apart and damage least.

    Discriminants of Fisher (1936) with the classifier in the place of the between-class scatter:
    the leading generalised eigenvectors of ``C = S W'W S`` against the scatter of the head
    within photographs, W the centred class weights and S the covariance of the head over
    photographs, so that W S are the classes' means as a linear discriminant has them. Both
    scatters are shrunk towards a multiple of the identity. Outputs have mean zero over the
    untouched photographs.

    Args:
        head: means of the head over space, ``(N, 1280)``, several damaged variants a photograph,
            the untouched one first.
        photo: each row's photograph, ``(N,)`` integers.
        class_weights: the classifier's, ``(1000, 1280)``.
        count: at most 1000 and 1280.
    """
    from scipy.linalg import eigh

    head = head.astype(np.float64)
    numbers, first, place = np.unique(photo, return_index=True, return_inverse=True)
    means = np.stack([head[photo == number].mean(0) for number in numbers])
    moved = head - means[place]
    within = shrunk(moved.T @ moved / len(head), WITHIN_SHRINKAGE)
    untouched = head[first]
    centred = untouched - untouched.mean(0)
    spread = shrunk(centred.T @ centred / len(centred), SPREAD_SHRINKAGE)
    classes = class_means(class_weights, spread)
    last = head.shape[1] - 1
    _, directions = eigh(
        classes.T @ classes / len(classes), within, subset_by_index=[last - count + 1, last]
    )
    weight = directions[:, ::-1]
    return Linear(weight, -untouched.mean(0) @ weight)


def shrunk(scatter: np.ndarray, share: float) -> np.ndarray:
    """A covariance mixed with this share of a multiple of the identity of the same trace."""
    identity = np.eye(len(scatter)) * np.trace(scatter) / len(scatter)
    return (1 - share) * scatter + share * identity


def class_means(class_weights: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Where each class lies from the mean of all: ``(1000, 1280)``.

    A linear discriminant's weight is the inverse covariance times the class's mean, so that the
    covariance times the weight gives the mean back.
    """
    weights = class_weights.astype(np.float64)
    return (weights - weights.mean(0)) @ spread


def concept_vectors(
    linear: Linear, class_weights: np.ndarray, concepts: list[Concept]
) -> np.ndarray:
    """Unit content vector of each concept, the mean of its classes': ``(K, count)``.

    A class's vector is its row of the classifier seen through the content map, so that the product
    with a picture's content stands for the class's logit. (The classes' means seen so fit captions
    worse: on the training pictures 19 instead of 21 times chance.)

    Args:
        linear: of ``fit_content``.
        class_weights: the classifier's, ``(1000, 1280)``.
        concepts: of ``concepts``.
    """
    weights = class_weights.astype(np.float64)
    vectors = unit((weights - weights.mean(0)) @ linear.weight)
    return unit(np.stack([vectors[list(concept.classes)].mean(0) for concept in concepts]))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Each row at length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@cache
def concepts() -> list[Concept]:
    """The 1000 classes by open_clip's names, then the everyday words of ``concepts.toml``."""
    from ddriqa.encoders.clip import import_open_clip

    import_open_clip()
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES

    named = [Concept(name, (number,)) for number, name in enumerate(IMAGENET_CLASSNAMES)]
    return named + everyday_concepts()


@cache
def everyday_concepts() -> list[Concept]:
    """The words of ``concepts.toml``, synonyms one by one."""
    text = Path(__file__).with_name("concepts.toml").read_text(encoding="utf-8")
    found = []
    for names, ranges in tomllib.loads(text).items():
        classes = tuple(c for start, end in ranges for c in range(start, end + 1))
        found += [Concept(name, classes) for name in names.split(", ")]
    return found
