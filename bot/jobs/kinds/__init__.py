"""The kinds of jobs: one file each, and one line here."""

from __future__ import annotations

from typing import Any

from bot.consent.checkpoints import CheckpointKeys
from bot.consent.ledger import Ledger
from bot.contacts.attributes import Attributes
from bot.contacts.bulk import BulkConsents
from bot.contacts.erase import Eraser
from bot.contacts.finder import ContactFinder
from bot.contacts.imports.importer import Importer
from bot.contacts.imports.undo import ImportUndo
from bot.contacts.program_batch import ProgramBatches
from bot.contacts.program_edits import ProgramEdits
from bot.contacts.selected import SelectedContacts
from bot.contacts.service import ContactService
from bot.jobs.kind import JobKind
from bot.jobs.kinds.bulk_consent import Subscribe, Unsubscribe
from bot.jobs.kinds.bulk_erase import EraseContacts
from bot.jobs.kinds.bulk_tags import AddTag, RemoveTag
from bot.jobs.kinds.count_audience import CountAudience
from bot.jobs.kinds.edit_contacts import EditContacts
from bot.jobs.kinds.export_contacts import ExportContacts
from bot.jobs.kinds.import_contacts import CheckImport, ImportContacts
from bot.jobs.kinds.send_message import SendMessage
from bot.jobs.kinds.show_message import ShowMessage
from bot.jobs.kinds.undo_import import UndoImport
from bot.jobs.kinds.verify import Verify
from bot.jobs.message_watch import MessageWatch
from bot.outbound.audience import Audience
from bot.outbound.chat_messages import ChatMessageDelivery
from bot.outbound.queue import DeliveryQueue
from bot.store import Store


def all_kinds(
    store: Store,
    keys: CheckpointKeys | None = None,
    ledger: Ledger | None = None,
    deliveries: DeliveryQueue | None = None,
    chat: ChatMessageDelivery | None = None,
    watch: MessageWatch | None = None,
    *,
    quiet_hours: bool = True,
) -> tuple[JobKind[Any, Any], ...]:
    """`ledger`: where consents are recorded. Without it, consumers learn of them from their cursor. `deliveries`: what
    a process that runs jobs queues texts with; one that only lists and controls them needs none.
    `chat`: what it shows chat messages with. `watch`: what pauses a message by itself."""
    ledger = ledger or Ledger(store, keys)
    finder, contacts = ContactFinder(store), ContactService(store, ledger)
    selected = SelectedContacts(store, finder)
    audience = Audience(store, finder, selected, quiet_hours=quiet_hours)
    consents = BulkConsents(store, ledger)
    importer = Importer(store, ledger)
    edits = ProgramEdits(store, ledger, contacts, Attributes(store))
    return (
        Verify(store, keys),
        Subscribe(selected, consents),
        Unsubscribe(selected, consents),
        AddTag(selected, contacts),
        RemoveTag(selected, contacts),
        EraseContacts(selected, Eraser(store, ledger)),
        EditContacts(store, ProgramBatches(store, ledger, contacts, edits)),
        ExportContacts(store, selected),
        CheckImport(store, importer),
        ImportContacts(store, importer),
        UndoImport(store, ImportUndo(store, ledger)),
        SendMessage(store, selected, audience, deliveries, watch),
        CountAudience(store, selected, audience),
        ShowMessage(store, selected, chat),
    )
