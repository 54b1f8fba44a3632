import Bulletins

/// The words around a bulletin, in Indonesian or English.
struct MailWords: Sendable {
    let isEnglish: Bool

    init(language: String) { isEnglish = language == "en" }

    private func pick(_ indonesian: String, _ english: String) -> String { isEnglish ? english : indonesian }

    var announcement: String { pick("Pengumuman", "Announcement") }
    var proposal: String { pick("Usulan", "Proposal") }
    var emergency: String { pick("DARURAT", "EMERGENCY") }
    var important: String { pick("Penting", "Important") }
    var correction: String { pick("Ralat", "Correction") }
    var withdrawn: String { pick("Ditarik", "Withdrawn") }
    var from: String { pick("Dari", "From") }
    var regions: String { pick("Wilayah", "Regions") }
    var fields: String { pick("Bidang", "Fields") }
    var note: String { pick("Catatan", "Note") }
    var when: String { pick("Waktu", "When") }
    var place: String { pick("Tempat", "Where") }
    var until: String { pick("Berlaku sampai", "Valid until") }
    var legalBasis: String { pick("Dasar hukum", "Legal basis") }
    var attachments: String { pick("Lampiran", "Attachments") }
    var link: String { pick("Tautan", "Link") }
    var contact: String { pick("Narahubung", "Contact") }
    var level: String { pick("Tingkat", "Level") }
    var instruction: String { pick("Petunjuk", "What to do") }
    var state: String { pick("Status usulan", "State of the proposal") }
    var read: String { pick("Baca di", "Read at") }
    var leave: String { pick("Berhenti berlangganan", "Unsubscribe") }

    func why(region: String, field: String) -> String {
        pick(
            "Anda menerima ini karena berlangganan \(field) di \(region).",
            "You receive this because you subscribed to \(field) in \(region).")
    }

    var allFields: String { pick("semua bidang", "all fields") }

    /// `Sabtu, 12 Desember 2026`.
    func date(_ day: CalendarDay) -> String {
        let weekdays = pick(
            "Minggu Senin Selasa Rabu Kamis Jumat Sabtu", "Sunday Monday Tuesday Wednesday Thursday Friday Saturday"
        ).split(separator: " ")
        let months = pick(
            "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember",
            "January February March April May June July August September October November December"
        ).split(separator: " ")
        return "\(weekdays[day.weekday]), \(day.day) \(months[day.month - 1]) \(day.year)"
    }

    /// A time where `zone` is kept: `Sabtu, 12 Desember 2026 pukul 08.00 WIT`.
    func time(_ time: Timestamp, _ zone: TimeZoneID) -> String {
        let clock = time.clock(zoneOffset: zone.offset, separator: pick(".", ":"))
        return "\(date(time.day(zoneOffset: zone.offset))) \(pick("pukul", "at")) \(clock) \(zone.abbreviation)"
    }

    func moment(_ moment: Bulletin.Moment, _ zone: TimeZoneID) -> String {
        switch moment {
        case .at(let timestamp): time(timestamp, zone)
        case .on(let day): date(day)
        }
    }
}
