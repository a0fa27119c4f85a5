"""Which patients a clinic knows: one condition for all who ask, and nobody asks without it.

Staff registered them, or took them on: then for as long as there is a record. Or they booked: then
for as long as an appointment is left there that is open or took place. Where all were cancelled
the row in `clinic_patients` says nothing, until they book again.
"""

IS_KNOWN = """(k.known_because <> 'booked' OR EXISTS (SELECT FROM appointments met
  WHERE met.patient_id = k.patient_id AND met.clinic_id = k.clinic_id
  AND met.status <> 'cancelled' OFFSET 0))"""
"""The condition on a row `k` of `clinic_patients`. With `OFFSET` it is asked of single rows: a list
would else begin by reading all appointments that there are."""


def knows(clinic: str, patient: str) -> str:
    """Return the condition that this clinic knows this patient."""
    return f"""EXISTS (SELECT FROM clinic_patients k WHERE k.clinic_id = {clinic}
  AND k.patient_id = {patient} AND {IS_KNOWN})"""


def clinics_that_know(patient: str) -> str:
    """Return the array of the clinics that know this patient."""
    return f"""ARRAY(SELECT k.clinic_id FROM clinic_patients k
  WHERE k.patient_id = {patient} AND {IS_KNOWN})"""  # noqa: S608
