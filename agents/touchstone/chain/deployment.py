"""Deployment records: ``deployments/<network>.json`` says where each contract is and how it got there."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from touchstone.chain.artifacts import load_artifact
from touchstone.chain.contracts import Contract
from touchstone.chain.errors import DeploymentError

_Address = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]
_Hash = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]


class DeployedContract(BaseModel):
    """One contract.

    ``artifact`` names the ABI's file and ``abi_sha256`` its content; ``arguments`` are the constructor's, as text, structs by field name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: _Address
    artifact: str
    abi_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    transaction: _Hash
    block: Annotated[int, Field(ge=0)]
    arguments: dict[str, object] = {}


class Deployment(BaseModel):
    """All contracts on one network. ``commit`` is the source's; ``block`` is the first one worth reading events from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["touchstone-deployment-1"] = "touchstone-deployment-1"
    network: str
    chain_id: Annotated[int, Field(gt=0)]
    commit: str
    deployer: _Address
    rpc: tuple[str, ...] = ()
    contracts: dict[str, DeployedContract]

    @property
    def block(self) -> int:
        """Block of the earliest deployment transaction."""
        return min((contract.block for contract in self.contracts.values()), default=0)

    def contract(self, name: str) -> Contract:
        """A handle on a contract. Raises DeploymentError when it is not deployed, or its ABI is another than that of this release."""
        entry = self.contracts.get(name)
        if entry is None:
            raise DeploymentError(f"the deployment on {self.network} has no {name}; use a deployment file of this release")
        artifact = load_artifact(entry.artifact)
        if artifact.abi_hash != entry.abi_sha256:
            raise DeploymentError(f"{name} on {self.network} was deployed with another ABI than this release has; use the matching release")
        return Contract(name, entry.address, artifact.abi)

    def save(self, path: Path) -> None:
        """Write the record; a reader never sees half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False) as file:
            file.write(self.model_dump_json(indent=2) + "\n")
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)

    @classmethod
    def load(cls, path: Path | str) -> Deployment:
        """Read a record. Raises DeploymentError."""
        try:
            return cls.model_validate_json(Path(path).read_bytes())
        except FileNotFoundError:
            raise DeploymentError(
                f"the deployment file {path} is missing; start `touchstone devnet` or name another with --deployment"
            ) from None
        except OSError as error:
            raise DeploymentError(
                f"the deployment file {path} cannot be read ({error.strerror}); name another with --deployment"
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise DeploymentError(f"{path} is not a deployment file ({place}: {first['msg']}); name another with --deployment") from error
