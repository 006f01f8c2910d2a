"""The images, built once for all tests that ask for them."""

import os
from collections.abc import Iterator
from typing import NoReturn

import images_build
import pytest
from images_build import CannotBuild, Image


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"the images must be built here and cannot: {reason}", pytrace=False)
    pytest.skip(f"the images were not built: {reason}")


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Image]]:
    """By name. A build that fails is a failure; a machine that cannot build is none outside of CI."""
    obstacle = images_build.obstacle()
    if obstacle:
        _cannot(obstacle)
    folder = tmp_path_factory.mktemp("buildah")
    try:
        with images_build.built("operator", folder) as operator, images_build.built("agent", folder) as agent:
            yield {"operator": operator, "agent": agent}
    except CannotBuild as err:
        pytest.fail(str(err), pytrace=False)


@pytest.fixture(params=["operator", "agent"])
def image(request: pytest.FixtureRequest, images: dict[str, Image]) -> Image:
    """Each of them."""
    return images[request.param]


@pytest.fixture
def operator(images: dict[str, Image]) -> Image:
    """The image of the operator, the webhooks and the injector."""
    return images["operator"]


@pytest.fixture
def agent(images: dict[str, Image]) -> Image:
    """The image of the agent."""
    return images["agent"]
