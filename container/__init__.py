"""The image, built and tried under podman: `nox -s container`."""
