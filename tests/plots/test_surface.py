import numpy as np
import pytest

from perceptron.plots.surface import draw_surfaces, loss_surface, principal_plane, random_plane


def bowl(weights: np.ndarray) -> float:
    return float(np.sum((weights - 3) ** 2 * np.arange(1, len(weights) + 1)))


PATH = np.array([[0.0, 0.0, 3.0], [1.0, 2.0, 3.0], [2.5, 2.8, 3.0], [3.0, 3.0, 3.0], [3.1, 3.0, 3.0]])


def test_the_path_ends_at_the_trained_weights_loss() -> None:
    trained = PATH[3]
    plane = principal_plane(PATH, trained)
    assert plane is not None
    surface = loss_surface(plane, bowl, path=PATH, n_to_trained=4)
    np.testing.assert_allclose(surface.path[3], 0, atol=1e-12)
    assert surface.path_losses[3] == surface.trained_loss == bowl(trained) == 0
    np.testing.assert_allclose(surface.path_losses, [bowl(weights) for weights in PATH])


def test_a_path_in_a_plane_is_drawn_in_full() -> None:
    plane = principal_plane(PATH, PATH[3])
    assert plane is not None
    assert plane.explained is not None
    assert sum(plane.explained) == pytest.approx(1)
    assert plane.explained[0] > plane.explained[1]
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-12)
    surface = loss_surface(plane, bowl, path=PATH, n_to_trained=4)
    np.testing.assert_allclose(plane.centre + surface.path @ plane.directions, PATH, atol=1e-12)
    # So the loss at a point of the plane is the loss at the weights.
    x, y = surface.x[2], surface.y[5]
    there = plane.centre + x * plane.directions[0] + y * plane.directions[1]
    assert surface.losses[5, 2] == pytest.approx(bowl(there))
    assert surface.x[0] < surface.path[:, 0].min() < surface.path[:, 0].max() < surface.x[-1]


@pytest.mark.parametrize("path", [PATH[3:4], np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), PATH[:, :1]])
def test_a_path_of_one_direction_has_no_plane(path) -> None:
    assert principal_plane(path, path[-1]) is None


def test_random_directions_are_as_long_as_the_filters_and_leave_biases() -> None:
    parts = [np.array([[3.0, 4.0], [0.0, 0.5]]), np.array([7.0, 7.0]), np.array([[1.0, 0.0]])]
    plane = random_plane(parts, seed=1)
    for direction in plane.directions:
        np.testing.assert_allclose(np.linalg.norm(direction[:4].reshape(2, 2), axis=1), [5, 0.5])
        np.testing.assert_array_equal(direction[4:6], 0)
        assert np.linalg.norm(direction[6:]) == pytest.approx(1)
    np.testing.assert_array_equal(plane.centre, [3, 4, 0, 0.5, 7, 7, 1, 0])
    again, other = random_plane(parts, seed=1), random_plane(parts, seed=2)
    np.testing.assert_array_equal(plane.directions, again.directions)
    assert not np.allclose(plane.directions, other.directions)
    assert loss_surface(plane, bowl).trained_loss == bowl(plane.centre)


def test_what_is_drawn_is_the_path_and_says_its_loss() -> None:
    plane = principal_plane(PATH, PATH[3])
    assert plane is not None
    surface = loss_surface(plane, bowl, path=PATH, n_to_trained=4)
    figure = draw_surfaces([surface], loss_units="nats", rows="training rows")
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_array_equal(lines["weights after each epoch"].get_xydata(), surface.path[:4])
    np.testing.assert_array_equal(lines["after the kept weights"].get_xydata(), surface.path[3:])
    assert "0 at the trained weights" in figure.get_suptitle()
    assert figure.axes[1].get_ylabel() == "loss [nats]"
