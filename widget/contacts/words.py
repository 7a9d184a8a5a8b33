"""The words for the values of conditions, in editors, chips and columns."""

from __future__ import annotations

from bot.errors import marked as _
from bot.model.addresses import PhoneKind
from bot.model.attribute import AttributeType
from bot.model.contact import ConsentState, Role
from bot.model.event import Grade
from bot.model.filter import Op
from widget.inbox.consent_status import BY

SOURCES = BY
STATES = {
    ConsentState.OPTED_IN: _("Opted in"),
    ConsentState.OPTED_OUT: _("Opted out"),
    ConsentState.PENDING: _("Pending"),
    ConsentState.NONE: _("Never answered"),
}
GRADES = {
    Grade.WRITTEN_SHOWN: _("Our form"),
    Grade.KEYWORD: _("Text message"),
    Grade.WRITTEN_ELSEWHERE: _("In writing elsewhere"),
    Grade.PAPER: _("On paper"),
    Grade.ORAL_ATTESTED: _("Verbal"),
    Grade.ASSERTED: _("No evidence"),
}
PHONE_KINDS = {
    PhoneKind.MOBILE: _("Mobile"),
    PhoneKind.MOBILE_OR_LANDLINE: _("Mobile or landline"),
    PhoneKind.LANDLINE: _("Landline"),
    PhoneKind.VOIP: _("Internet phone (VoIP)"),
    PhoneKind.TOLL_FREE: _("Toll-free"),
    PhoneKind.OTHER: _("Other type"),
    PhoneKind.INVALID: _("Invalid number"),
}
ROLES = {Role.USER: _("User"), Role.LEAD: _("Lead")}
OPS = {
    Op.IS: _("Is"),
    Op.BEGINS: _("Begins with"),
    Op.FROM: _("Is at least"),
    Op.UP_TO: _("Is at most"),
    Op.IS_SET: _("Has any value"),
}
OPS_OF = {
    AttributeType.TEXT: (Op.IS, Op.BEGINS, Op.IS_SET),
    AttributeType.NUMBER: (Op.IS, Op.FROM, Op.UP_TO, Op.IS_SET),
    AttributeType.DATE: (Op.IS, Op.FROM, Op.UP_TO, Op.IS_SET),
    AttributeType.BOOLEAN: (Op.IS, Op.IS_SET),
    AttributeType.LIST: (Op.IS, Op.IS_SET),
}
US_STATES = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA",
    "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR",
    "PA", "PR", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "VI", "WA", "WV", "WI", "WY",
)  # fmt: skip
