"""Contacts: lists, edits, imports, erasing."""

from __future__ import annotations

from bot.composition.consent import ConsentArea
from bot.config import Settings
from bot.contacts.attributes import Attributes
from bot.contacts.data_access import DataAccess
from bot.contacts.dossier import Dossiers
from bot.contacts.editing import ContactEditor
from bot.contacts.erase import Eraser
from bot.contacts.export import ContactExport
from bot.contacts.finder import ContactFinder
from bot.contacts.merge import ContactMerge
from bot.contacts.program_edits import ProgramEdits
from bot.contacts.segments import Segments
from bot.contacts.selected import SelectedContacts
from bot.contacts.service import ContactService
from bot.contacts.tags import Tags
from bot.contacts.timeline import Timelines
from bot.shapes.contact import ContactShapes
from bot.store import Store


class ContactArea(ConsentArea):
    def __init__(self, settings: Settings, store: Store, secret: str, public_url: str) -> None:
        super().__init__(settings, store, secret, public_url)
        self.contacts = ContactService(store, self.ledger)
        self.editor = ContactEditor(store, self.ledger, self.contacts, Attributes(store))
        self.program_edits = ProgramEdits(store, self.ledger, self.contacts, Attributes(store))
        self.dossiers, self.data_access = Dossiers(store, self.stops), DataAccess(store)
        self.timelines = Timelines(store, self.consents)
        self.eraser, self.merge = Eraser(store, self.ledger), ContactMerge(store, self.ledger)
        self.finder = ContactFinder(store)
        self.attributes, self.tags, self.segments = Attributes(store), Tags(store), Segments(store)
        self.selected = SelectedContacts(store, self.finder)
        self.contact_shapes = ContactShapes(store)
        self.export = ContactExport(store, self.selected)
