"""What events tell beside ids, by schema and name, and where a shared word means something else."""

TOLD = {
    "AccountPasswordResetRequestedData.user_id": "Id of the account; null: the address is nobody's",
    "BookingCreatedData.hold_id": "Id of the hold that it was; null: there was none",
    "CalendarChangedData.because": "What opened or closed the slots",
    "CalendarChangedData.doctor_id": "Id of the doctor; null: all doctors of the clinic",
    "CalendarChangedData.ends_at": "Until when slots changed. UTC; null: without an end",
    "CalendarChangedData.starts_at": "From when on slots changed. UTC",
    "PaymentDisputedData.dispute": "Where the complaint to the payer's bank stands",
    "PaymentMatterOpenedData.matter": "What is the matter",
    "SlotClosedData.deleted": "True: it is gone for good; false: it can be reopened",
    "SlotHeldData.hold_id": "Id of the hold, new or extended",
    "StaffAddedData.doctor_id": "Id of the doctor whom the account is; null: another role",
    "WebhookDisabledData.clinic_id": "Id of the clinic; null: the endpoint is the platform's",
    "WebhookDisabledData.reason": "`gone`: it answered 410; `failing`: nothing has succeeded",
}
