"""The locks hold what the requirements ask for, each package with its checksums."""

import importlib.metadata
import pathlib
import re

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = pathlib.Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
PLATFORMS = [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64")]
PYTHONS = ("3.11", "3.12", "3.13")


def environments():
    for system, machine in PLATFORMS:
        platform = {
            "sys_platform": system,
            "platform_system": system.capitalize(),
            "platform_machine": machine,
        }
        for python in PYTHONS:
            version = {"python_version": python, "python_full_version": f"{python}.0"}
            yield default_environment() | platform | version


def requirements(name):
    """The requirements of a list and of those that it includes."""
    found = []
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            found += requirements(line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            found.append(Requirement(line))
    return found


def locked(name):
    """What a lock holds: each requirement with its checksums."""
    text = re.sub(r"\\\n", " ", (ROOT / name).read_text(encoding="utf-8"))
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        requirement, *hashes = re.split(r"\s+--hash=", line.strip())
        yield Requirement(requirement), hashes


def versions(name, environment):
    """Name -> version of what a lock installs in an environment."""
    found = {}
    for requirement, _ in locked(name):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            key = canonicalize_name(requirement.name)
            assert key not in found
            (found[key],) = [one.version for one in requirement.specifier]
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_one_version_and_checksums(name):
    assert list(locked(name))
    for requirement, hashes in locked(name):
        assert [one.operator for one in requirement.specifier] == ["=="]
        assert requirement.url is None
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes)


@pytest.mark.parametrize("name", LOCKS)
def test_no_place_to_fetch_from_is_named(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|trusted-host", text)


@pytest.mark.parametrize("name", LOCKS)
def test_what_is_required_is_locked(name):
    for environment in environments():
        found = versions(name, environment)
        for wanted in requirements(name.replace(".lock", ".txt")):
            if wanted.marker is None or wanted.marker.evaluate(environment):
                assert found[canonicalize_name(wanted.name)] in wanted.specifier


def test_the_short_lock_is_part_of_the_long_one():
    for environment in environments():
        long = versions("requirements-dev.lock", environment)
        assert versions("requirements.lock", environment).items() <= long.items()


def test_what_the_packages_need_is_locked():
    """As far as the installed ones are the locked ones: they say what they need."""
    environment = default_environment()
    found = versions("requirements-dev.lock", environment)
    for name, version in found.items():
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if package.version != version:
            continue
        for text in package.requires or ():
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate(environment | {"extra": ""}):
                assert found[canonicalize_name(need.name)] in need.specifier, text
