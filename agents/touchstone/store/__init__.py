"""Content-addressed storage: packages, identifiers, the local store, its HTTP server and the client that fetches from several stores."""

from touchstone.store.cid import Cid, cid_of, parse_cid
from touchstone.store.fetch import Fetcher
from touchstone.store.local import LocalStore
from touchstone.store.manifest import Manifest
from touchstone.store.package import Package, fetch_manifest
from touchstone.store.remote import RemoteStore
from touchstone.store.server import Limits, StoreServer
from touchstone.store.states import put_state, read_state

__all__ = [
    "Cid",
    "Fetcher",
    "Limits",
    "LocalStore",
    "Manifest",
    "Package",
    "RemoteStore",
    "StoreServer",
    "cid_of",
    "fetch_manifest",
    "parse_cid",
    "put_state",
    "read_state",
]
