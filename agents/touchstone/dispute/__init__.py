"""The dispute game: its rules as a pure function, the honest player of both sides, and the proofs it sends."""
