"""Migrations of before the rules of `expanding`, as they are; none is added, and 0047 is the last.

Nobody upgraded a database that served through them: programs below 0047 know one schema only
(`booking_system.bootstrap.schema_fit.FIRST`). So each stays as it was tried.
"""

AS_THEY_ARE = {
    "0003": ("meaning scan", "refers from tables of 0002 to the clinics that it makes"),
    "0005": ("meaning scan", "refers from the slots of 0004 to the appointments that it makes"),
    "0008": ("meaning scan", "more words for a status, by a constraint that is made anew"),
    "0009": ("index meaning scan", "holds: the walls against double booking are made anew"),
    "0010": ("index meaning scan", "weekly hours: more reasons for which a slot is closed"),
    "0011": ("index meaning scan", "single dates: slots name what made them"),
    "0012": ("index insert meaning rows scan", "spans: every appointment lists its slots"),
    "0013": ("index", "indexes for pages of lists"),
    "0014": (
        "index insert meaning not_null rewrite rows scan",
        "agreements: the walls are on columns that are computed",
    ),
    "0017": ("index meaning scan", "merged records: a patient names the staying record"),
    "0018": ("meaning scan", "the walls have names of their own"),
    "0020": ("index", "holds are counted by network"),
    "0021": ("index meaning rows scan", "which clinic knows a patient is taken from bookings"),
    "0022": ("meaning rows scan", "events and revisions of before are numbered"),
    "0023": ("gone meaning rows scan", "answers to keys are in one column"),
    "0024": ("meaning scan", "conditions of a table are in one function"),
    "0030": ("index meaning", "answers by SMS: one more word of the history"),
    "0031": ("index", "messages that did not arrive are looked up by clinic"),
    "0035": ("index meaning", "waiting for money: two more words for a status"),
    "0043": ("meaning scan", "accounts of clinics beside the operator's"),
    "0044": ("meaning", "more kinds of messages"),
    "0045": ("meaning scan", "kept messages have documents"),
    "0047": ("meaning scan", "files belong to rooms, too"),
}
"""The rules that each breaks (`expanding.WORDS`), and what it was for."""
