"""Content directions: classes are told apart, damage is not followed."""

import numpy as np
import pytest

from ddriqa.encoder_training.content import (
    Concept,
    class_means,
    concept_vectors,
    concepts,
    everyday_concepts,
    fit_content,
    shrunk,
)

FEATURES, CLASSES, PHOTOS, VARIANTS = 30, 12, 120, 8


@pytest.fixture(scope="module")
def made():
    """Photographs of known classes; all damage moves them along one known direction."""
    rng = np.random.default_rng(0)
    means = rng.normal(size=(CLASSES, FEATURES))
    direction = rng.normal(size=FEATURES)
    label = rng.integers(CLASSES, size=PHOTOS)
    clean = means[label] + 0.3 * rng.normal(size=(PHOTOS, FEATURES)) + 5.0
    amount = np.c_[np.zeros(PHOTOS), rng.uniform(0, 3, (PHOTOS, VARIANTS - 1))]
    head = clean[:, None] + amount[..., None] * direction
    photo = np.repeat(np.arange(PHOTOS), VARIANTS)
    weights = means / 0.3**2  # of the linear discriminant, whose covariance is 0.09 I
    return head.reshape(-1, FEATURES), photo, weights, label, direction


def units(values):
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def test_a_class_is_nearest_to_its_own_pictures_also_when_damaged(made):
    head, photo, weights, label, _ = made
    content = fit_content(head, photo, weights, 8)
    each = [Concept(str(number), (number,)) for number in range(CLASSES)]
    vectors = concept_vectors(content, weights, each)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0)
    nearest = (units(content(head)) @ vectors.T).argmax(1)
    assert (nearest == label[photo]).mean() > 0.9  # 1 in 12 by chance


def test_damage_moves_content_less_than_the_classifier(made):
    head, photo, weights, _, direction = made
    content = fit_content(head, photo, weights, 8)
    spread = content(head[::VARIANTS]).std(0)
    centred = weights - weights.mean(0)
    logits = head[::VARIANTS] @ centred.T
    followed = np.linalg.norm(direction @ content.weight / spread)
    plain = np.linalg.norm(direction @ centred.T / logits.std(0))
    assert followed < plain / 3


def test_outputs_are_centred_on_the_untouched_photographs(made):
    head, photo, weights, _, _ = made
    content = fit_content(head, photo, weights, 5)
    assert content.weight.shape == (FEATURES, 5)
    np.testing.assert_allclose(content(head[::VARIANTS]).mean(0), 0, atol=1e-9)


def test_class_means_invert_a_linear_discriminant():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(FEATURES, FEATURES))
    covariance = root @ root.T
    means = rng.normal(size=(CLASSES, FEATURES))
    weights = np.linalg.solve(covariance, means.T).T
    np.testing.assert_allclose(class_means(weights, covariance), means - means.mean(0), atol=1e-6)


def test_shrinkage_keeps_the_trace():
    scatter = np.diag([3.0, 1.0, 0.0])
    np.testing.assert_allclose(shrunk(scatter, 1.0), np.eye(3) * 4 / 3)
    half = shrunk(scatter, 0.5)
    assert np.trace(half) == pytest.approx(4.0)
    assert np.linalg.eigvalsh(half).min() > 0


def test_a_concept_of_several_classes_lies_between_them(made):
    head, photo, weights, _, _ = made
    content = fit_content(head, photo, weights, 8)
    three = [Concept("a", (0,)), Concept("b", (1,)), Concept("both", (0, 1))]
    one, two, both = concept_vectors(content, weights, three)
    np.testing.assert_allclose(both, units(one + two), atol=1e-12)


def test_class_names_are_in_the_order_of_the_classifier():
    named = concepts()
    known = {0: "tench", 281: "tabby cat", 404: "airliner", 817: "sports car", 963: "pizza"}
    for number, name in known.items():
        assert named[number].name == name
        assert named[number].classes == (number,)
    assert named[1000:] == everyday_concepts()


def test_everyday_words_are_told_once_and_by_classes_that_exist():
    words = everyday_concepts()
    names = [concept.name for concept in words]
    assert len(names) > 200
    assert len(set(names)) == len(names)
    for concept in words:
        assert concept.classes
        assert all(0 <= number < 1000 for number in concept.classes), concept


@pytest.mark.parametrize(
    ("word", "members"),
    [
        ("dog", ("Golden Retriever", "Siberian Husky", "Beagle")),
        ("cat", ("tabby cat", "Siamese cat")),
        ("train", ("steam locomotive",)),
        ("bus", ("school bus",)),
        ("mountain", ("mountain",)),
        ("clock", ("wall clock", "analog clock")),
    ],
)
def test_everyday_words_stand_for_classes_of_that_name(word, members):
    named = concepts()
    classes = next(concept.classes for concept in everyday_concepts() if concept.name == word)
    assert set(members) <= {named[number].name for number in classes}
