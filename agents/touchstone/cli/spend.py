"""Sending the transactions of a command, or, with --dry-run, showing what they would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from touchstone.chain.contracts import Call
from touchstone.chain.errors import ContractRevertError
from touchstone.chain.sender import Receipt
from touchstone.cli.amounts import show_amount
from touchstone.cli.workspace import Workspace


def spend(workspace: Workspace, calls: Sequence[tuple[str, Call]], facts: Mapping[str, object]) -> list[Receipt]:
    """Send calls one after another and print ``facts`` and the transactions.

    With ``--dry-run`` nothing is sent: the first call is simulated, and the later ones as far as they do not need the first.

    Raises:
        ContractRevertError: a contract refuses; what was sent before it stays sent, nothing else is.
        InsufficientFundsError: the account cannot pay the gas.
    """
    sender = workspace.sender()
    if workspace.dry_run:
        _preview(workspace, calls, facts)
        return []
    waiting = sender.recover()
    receipts = []
    with workspace.output.progress() as progress:
        task = progress.add_task("Sending", total=len(calls))
        for name, call in calls:
            progress.update(task, description=f"Sending {name}")
            # A transaction that an interrupted command left behind is finished, not sent again.
            started = next((entry for entry in waiting if (entry.recipient, entry.data) == (call.address, call.data)), None)
            receipts.append(sender.wait(started) if started is not None else sender.execute(call))
            progress.update(task, advance=1)
    sent = [
        {"name": name, "transaction": receipt.transaction, "gas": receipt.gas_used}
        for (name, _), receipt in zip(calls, receipts, strict=True)
    ]
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in facts.items()]
    lines += [f"{entry['name']}: {entry['transaction']} ({entry['gas']} gas)" for entry in sent]
    workspace.output.result({**facts, "transactions": sent}, "\n".join(lines))
    return receipts


def _preview(workspace: Workspace, calls: Sequence[tuple[str, Call]], facts: Mapping[str, object]) -> None:
    sender = workspace.sender()
    entries: list[dict[str, object]] = []
    for position, (name, call) in enumerate(calls):
        try:
            preview = sender.preview(call)
            entries.append({"name": name, "gas": preview.gas, "cost": show_amount(preview.cost, 9)})
        except ContractRevertError:
            if position == 0:
                raise
            entries.append({"name": name, "gas": None, "cost": None})
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in facts.items()]
    for entry in entries:
        known = f"at most {entry['gas']} gas, {entry['cost']} ether" if entry["gas"] else "its gas shows once those before it are sent"
        lines.append(f"would send {entry['name']}: {known}")
    lines.append("Nothing was sent.")
    workspace.output.result({**facts, "dry_run": True, "transactions": entries}, "\n".join(lines))
