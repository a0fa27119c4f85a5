/** What the page shows of the appointment: names, time, whom to call. */

import { t } from './words.js';

const SEATS = { doctor: 'the_doctor', patient: 'the_patient', guest: 'the_guest' };

export class Facts {
  constructor() {
    this.names = {};
    this.startsAt = null;
    this.timeZone = undefined;
    this.phone = '';
    this.closesAt = null;
  }

  /** @param {ReturnType<import('../call/entry.js').partyEntry>} entry */
  async load(entry) {
    const booking = await entry.signed(entry.booking);
    const { doctor, patient } = booking;
    this.names = {
      doctor: [doctor.title, doctor.full_name].filter(Boolean).join(' '),
      patient: patient.full_name,
    };
    this.startsAt = new Date(booking.starts_at);
    this.timeZone = booking.time_zone;
    this.clinic = booking.clinic.name;
    const clinic = await entry.signed(`/v1/clinics/${booking.clinic_id}`).catch(() => null);
    this.phone = clinic?.phone || '';
    return this;
  }

  /** How somebody is called; a guest as the doctor wrote it. */
  name(seat, people) {
    return people?.get(seat)?.name || this.names[seat] || t(SEATS[seat]);
  }
}
