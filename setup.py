"""Compiles the native runtime when the package is built; everything else is in pyproject.toml."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from setuptools import Command, Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build import build

NATIVE = Path("agents", "touchstone", "machine", "native")
COMPILE = runpy.run_path(str(NATIVE / "build.py"))


class BuildNative(Command):
    """Compile the C++ runtime: beside its sources for an editable install, else into the build directory."""

    description = "compile the native runtime"
    user_options: list[Any] = []  # noqa: RUF012 - the attribute setuptools asks for

    def initialize_options(self) -> None:
        """Nothing is known yet."""
        self.build_lib: str | None = None
        self.editable_mode = False

    def finalize_options(self) -> None:
        """Share the directory of the whole build."""
        self.set_undefined_options("build", ("build_lib", "build_lib"))

    def run(self) -> None:
        """Compile, and copy the library into a build that is not editable."""
        COMPILE["build"](NATIVE / COMPILE["LIBRARY_NAME"])
        for built, source in self.get_output_mapping().items():
            self.copy_file(source, built)

    def get_outputs(self) -> list[str]:
        """Files this command adds to the build."""
        return list(self.get_output_mapping())

    def get_output_mapping(self) -> dict[str, str]:
        """Where each file of the build comes from."""
        if self.editable_mode or self.build_lib is None or "build" not in self.distribution.have_run:
            return {}
        library = NATIVE / COMPILE["LIBRARY_NAME"]
        return {str(Path(self.build_lib, *library.parts[1:])): str(library)}

    def get_source_files(self) -> list[str]:
        """What a source distribution has to carry."""
        return [str(NATIVE / "build.py"), *(str(path) for path in sorted((NATIVE / "src").iterdir()))]


class BuildWithNative(build):
    """The usual build, and the native runtime."""

    sub_commands = [*build.sub_commands, ("build_native", None)]  # noqa: RUF012 - as in the base class


class PlatformWheel(bdist_wheel):
    """The library is called through a C interface: the wheel depends on the platform, not on the version of Python."""

    def get_tag(self) -> tuple[str, str, str]:
        """Any Python 3, this platform."""
        return "py3", "none", super().get_tag()[2]


class NativeDistribution(Distribution):
    """A distribution that is not pure Python."""

    def has_ext_modules(self) -> bool:
        """The wheel carries a compiled library."""
        return True


setup(
    distclass=NativeDistribution,
    cmdclass={"build": BuildWithNative, "build_native": BuildNative, "bdist_wheel": PlatformWheel},
)
