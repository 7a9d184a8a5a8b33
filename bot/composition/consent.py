"""The ledger, and all that reads and writes consent."""

from __future__ import annotations

from bot.composition.core import Core
from bot.config import Settings
from bot.consent.assertions import Assertions
from bot.consent.attestations import Attestations
from bot.consent.checkpoints import CheckpointKeys
from bot.consent.confirmations import Confirmations
from bot.consent.form_limits import FormLimits
from bot.consent.form_watch import FormWatch
from bot.consent.ledger import Ledger
from bot.consent.paces import Paces
from bot.consent.preferences import Preferences
from bot.consent.proof_of_work import ProofOfWork
from bot.consent.reader import ConsentReader
from bot.consent.stop_list import StopList
from bot.contacts.opt_out_requests import OptOutRequests
from bot.store import Store


class ConsentArea(Core):
    def __init__(self, settings: Settings, store: Store, secret: str, public_url: str) -> None:
        super().__init__(settings, store, secret, public_url)
        self.keys = CheckpointKeys(store, settings.checkpoint_keys)
        self.ledger = Ledger(store, self.keys)
        self.stops = StopList(store, self.ledger)
        self.form_limits = FormLimits(store, self.workspace, settings.form_limit)
        self.proofs = ProofOfWork(store, secret=secret)
        self.form_watch = FormWatch(store, self.workspace, self.form_limits)
        self.preferences = Preferences(
            store, self.ledger, self.form_limits, secret=secret, link_days=settings.link_days
        )
        self.confirmations = Confirmations(store, self.ledger)
        self.paces = Paces(store, self.ledger)
        self.consents = ConsentReader(store, self.ledger, self.stops)
        self.assertions = Assertions(store, self.ledger)
        self.attestations = Attestations(store, self.ledger, self.stops, self.consents)
        self.opt_out_requests = OptOutRequests(store, self.attestations, self.stops)
