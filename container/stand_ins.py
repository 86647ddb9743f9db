"""Stand-ins for the images of Prometheus and Alertmanager, where no registry is reached.

They are made of Debian's packages, and are what the real ones are to Compose: the same program as
entry point, a user without rights, a folder for its data, and a `wget` for the health check.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import trio
from attrs import frozen

from container.findings import say
from container.podman import attempt, podman


_CLEANUP: Final = 20.0
_TRUSTING: Final = "localhost/loxone-exporter-base:trial"

_CONTAINERFILE: Final = """
FROM {base}
RUN apt-get update -qq \\
    && apt-get install -qq --yes --no-install-recommends {package} busybox \\
    && rm -r /var/lib/apt/lists \\
    && ln -s /bin/busybox /usr/local/bin/wget \\
    && install --directory --owner=65534 --group=65534 {folder}
USER 65534:65534
WORKDIR {folder}
ENTRYPOINT ["{program}"]
"""


@frozen
class StandIn:
    """What takes the place of an image.

    Attributes:
        package: Debian's.
        program: Which is started.
        folder: For its data.
    """

    package: str
    program: str
    folder: str


STAND_INS: Final[Mapping[str, StandIn]] = {
    "prometheus": StandIn("prometheus", "/usr/bin/prometheus", "/prometheus"),
    "alertmanager": StandIn(
        "prometheus-alertmanager", "/usr/bin/prometheus-alertmanager", "/alertmanager"
    ),
}
"""By service."""


@contextlib.asynccontextmanager
async def images_or_stand_ins(images: Mapping[str, str], base: str) -> AsyncIterator[None]:
    """Have images here as long as the block lasts; those that were made for it go with it.

    Args:
        images: What compose.yaml calls them, by service; of those in `STAND_INS`.
        base: A Debian, to make stand-ins from; of the registry that they would be from.

    Raises:
        ContainerError: A stand-in cannot be made.
    """
    registry = await _registry_of(base)
    async with contextlib.AsyncExitStack() as stack:
        for service, name in images.items():
            image = f"{registry}/{name}"
            if await _is_there(image):
                continue
            say(f"  no registry gives {name}: a stand-in is made of Debian's packages")
            stand_in = STAND_INS[service]
            text = _CONTAINERFILE.format(
                base=base,
                package=stand_in.package,
                program=stand_in.program,
                folder=stand_in.folder,
            )
            await stack.enter_async_context(untagged_at_the_end(image))
            await _build(image, text)
        yield


@contextlib.asynccontextmanager
async def trusting(base: str) -> AsyncIterator[str]:
    """Have a base image with which Compose reaches the package index, as long as the block lasts.

    Compose's builds cannot mount files. Where the index is reached through somebody whose authority
    only this machine knows, it is told to the image; elsewhere that is the base itself.

    Args:
        base: The image to start from.
    """
    authorities = os.environ.get("PIP_CERT")
    if authorities is None:
        yield base
        return
    async with untagged_at_the_end(_TRUSTING):
        text = (
            f"FROM {base}\nCOPY authorities.pem /etc/ssl/\nENV PIP_CERT=/etc/ssl/authorities.pem\n"
        )
        await _build(_TRUSTING, text, {"authorities.pem": Path(authorities)})
        yield _TRUSTING


@contextlib.asynccontextmanager
async def untagged_at_the_end(image: str) -> AsyncIterator[None]:
    """Leave no image of this name behind; what it was made of stays for the next time."""
    try:
        yield
    finally:
        with trio.move_on_after(_CLEANUP, shield=True):
            await attempt("untag", image)


async def _registry_of(image: str) -> str:
    """What podman puts before a name without a registry, as Docker means it: before this one's."""
    name = await podman("image", "inspect", image, "--format={{index .RepoTags 0}}")
    return name.partition("/")[0]


async def _is_there(image: str) -> bool:
    if (await attempt("image", "exists", image)).returncode == 0:
        return True
    return (await attempt("pull", "--quiet", image)).returncode == 0


async def _build(image: str, text: str, files: Mapping[str, Path] = MappingProxyType({})) -> None:
    with tempfile.TemporaryDirectory(prefix="loxone-exporter-container-") as folder:
        await trio.Path(folder, "Containerfile").write_text(text, encoding="utf-8")
        for name, path in files.items():
            shutil.copyfile(path, Path(folder, name))
        await podman("build", "--network=host", f"--tag={image}", folder)
