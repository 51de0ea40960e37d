"""The native runtime: C++ sources, how they are compiled, and how the library is loaded."""
