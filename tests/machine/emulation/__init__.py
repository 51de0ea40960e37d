"""Runs the tests of the native runtime against a build for another processor, emulated by qemu: ``make emulated``."""
