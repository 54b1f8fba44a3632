package import Bulletins

/// The fixed words around a bulletin in Indonesian or English.
package struct BulletinWords: Sendable {
    package let isEnglish: Bool

    package init(language: String) { isEnglish = language == "en" }

    private func pick(_ indonesian: String, _ english: String) -> String { isEnglish ? english : indonesian }

    package var announcement: String { pick("Pengumuman", "Announcement") }
    package var proposal: String { pick("Usulan", "Proposal") }
    package var emergency: String { pick("DARURAT", "EMERGENCY") }
    package var important: String { pick("Penting", "Important") }
    package var correction: String { pick("Ralat", "Correction") }
    package var withdrawn: String { pick("Ditarik", "Withdrawn") }
    package var from: String { pick("Dari", "From") }
    package var regions: String { pick("Wilayah", "Regions") }
    package var fields: String { pick("Bidang", "Fields") }
    package var note: String { pick("Catatan", "Note") }
    package var when: String { pick("Waktu", "When") }
    package var place: String { pick("Tempat", "Where") }
    package var until: String { pick("Berlaku sampai", "Valid until") }
    package var legalBasis: String { pick("Dasar hukum", "Legal basis") }
    package var attachments: String { pick("Lampiran", "Attachments") }
    package var link: String { pick("Tautan", "Link") }
    package var contact: String { pick("Narahubung", "Contact") }
    package var level: String { pick("Tingkat", "Level") }
    package var instruction: String { pick("Petunjuk", "What to do") }
    package var localTime: String { pick("waktu setempat", "local time") }
    package var addressedTo: String { pick("Ditujukan kepada", "Addressed to") }
    package var beneficiaries: String { pick("Penerima manfaat", "Beneficiaries") }
    package var state: String { pick("Status usulan", "State of the proposal") }
    /// The name of a proposal's state. A state outside the contract is its own name.
    package func proposalState(_ state: String) -> String {
        isEnglish ? state : Self.states[state] ?? state
    }

    /// The name of a proposal's stage. A stage outside the contract is its own name.
    package func proposalStage(_ stage: String) -> String {
        isEnglish ? stage.replacing("-", with: " ") : Self.stages[stage] ?? stage
    }

    private static let states = [
        "submitted": "diajukan", "returned": "dikembalikan", "verified": "diverifikasi", "forwarded": "diteruskan",
        "accommodated": "diakomodasi", "realised": "direalisasikan", "rejected": "ditolak", "cancelled": "dibatalkan",
    ]

    private static let stages = [
        "village": "desa", "district": "kecamatan", "agency-forum": "forum perangkat daerah",
        "regency": "kabupaten/kota",
        "province": "provinsi",
    ]

    package var shortened: String { pick("Dipersingkat; selengkapnya di", "Shortened; the whole is at") }
    package var read: String { pick("Baca di", "Read at") }
    package var readOnSite: String { pick("Baca di situs", "Read on the site") }
    package var unsubscribe: String { pick("Berhenti berlangganan", "Unsubscribe") }

    /// The footer of a mail: why the recipient gets it.
    package func why(region: String, field: String) -> String {
        pick(
            "Anda menerima ini karena berlangganan \(field) di \(region).",
            "You receive this because you subscribed to \(field) in \(region).")
    }

    package func digest(isDaily: Bool) -> String {
        isDaily ? pick("Ringkasan harian", "Daily digest") : pick("Ringkasan mingguan", "Weekly digest")
    }

    package func bulletins(_ count: Int) -> String {
        pick("\(count) kabar", count == 1 ? "1 bulletin" : "\(count) bulletins")
    }

    package var whyDigest: String {
        pick(
            "Anda menerima ini karena berlangganan ringkasan.",
            "You receive this because you subscribed to digests.")
    }

    package var stopDigests: String { pick("Berhenti menerima ringkasan", "Stop the digests") }

    package var allFields: String { pick("semua bidang", "all fields") }

    /// For example `Sabtu, 12 Desember 2026`.
    package func date(_ day: CalendarDay) -> String {
        let weekdays = pick(
            "Minggu Senin Selasa Rabu Kamis Jumat Sabtu", "Sunday Monday Tuesday Wednesday Thursday Friday Saturday"
        ).split(separator: " ")
        let months = pick(
            "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember",
            "January February March April May June July August September October November December"
        ).split(separator: " ")
        return "\(weekdays[day.weekday]), \(day.day) \(months[day.month - 1]) \(day.year)"
    }

    /// A time in `zone`, for example `Sabtu, 12 Desember 2026 pukul 08.00 WIT`.
    package func time(_ time: Timestamp, _ zone: TimeZoneID) -> String {
        let clock = time.clock(zoneOffset: zone.offset, separator: pick(".", ":"))
        return "\(date(time.day(zoneOffset: zone.offset))) \(pick("pukul", "at")) \(clock) \(zone.abbreviation)"
    }

    /// The time from `start` to `end`. A shared day appears once: `Sabtu, 12 Desember 2026 pukul 08.00–12.00 WIT`.
    package func span(from start: Bulletin.Moment, to end: Bulletin.Moment?, _ zone: TimeZoneID) -> String {
        guard let end else { return moment(start, zone) }
        if case .at(let from) = start, case .at(let to) = end,
            from.day(zoneOffset: zone.offset) == to.day(zoneOffset: zone.offset)
        {
            func clock(_ time: Timestamp) -> String { time.clock(zoneOffset: zone.offset, separator: pick(".", ":")) }
            let day = date(from.day(zoneOffset: zone.offset))
            return "\(day) \(pick("pukul", "at")) \(clock(from))–\(clock(to)) \(zone.abbreviation)"
        }
        return "\(moment(start, zone)) – \(moment(end, zone))"
    }

    package func moment(_ moment: Bulletin.Moment, _ zone: TimeZoneID) -> String {
        switch moment {
        case .at(let timestamp): time(timestamp, zone)
        case .on(let day): date(day)
        }
    }
}
