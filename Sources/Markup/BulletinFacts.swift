package import Bulletins

/// What a bulletin says besides its text, as lines with a label: for mails, feeds and pages alike.
package enum BulletinFacts {
    package struct Fact: Sendable, Equatable {
        package let label: String
        package let value: String
        /// What the value leads to.
        package var url: String?
    }

    /// Times are those of `zone`, where the reader is.
    package static func facts(
        _ bulletin: Bulletin, _ words: BulletinWords, zone: TimeZoneID, registries: Registries
    ) -> [Fact] {
        var facts: [Fact] = []
        func add(_ label: String, _ value: String?, url: String? = nil) {
            if let value, !value.isEmpty { facts.append(Fact(label: label, value: value, url: url)) }
        }
        add(
            words.level,
            bulletin.alert.map { alert in alert.level.map { "\($0.uppercased()) – \(alert.event)" } ?? alert.event })
        add(words.instruction, bulletin.alert?.instruction)
        let local = localZone(bulletin, registries).flatMap { $0 == zone ? nil : $0 }
        add(words.when, bulletin.event.map { when($0, words, zone, local) })
        add(words.place, bulletin.event?.place)
        add(words.state, bulletin.proposal.map { state($0, words) })
        add(words.addressedTo, bulletin.proposal?.addressedTo)
        add(words.beneficiaries, bulletin.proposal?.beneficiaries.map(String.init))
        add(words.until, bulletin.expiresAt.map { words.time($0, zone) })
        for basis in bulletin.legalBasis { add(words.legalBasis, basis) }
        for attachment in bulletin.attachments { add(words.attachments, attachment.title, url: attachment.url) }
        if let link = bulletin.link { add(words.link, link, url: link) }
        add(words.contact, bulletin.contact.map { joined([$0.name, $0.phone, $0.email]) })
        let language = words.isEnglish ? "en" : "id"
        add(words.regions, bulletin.regions.map { registries.regions.fullName(of: $0) }.joined(separator: "; "))
        add(
            words.fields,
            bulletin.fields.map { registries.fields.name(of: $0, language: language) }.joined(separator: "; "))
        return facts
    }

    /// The clock of the place too, where that is another than the reader's: the text beside it goes by it.
    private static func when(
        _ event: Bulletin.Event, _ words: BulletinWords, _ zone: TimeZoneID, _ local: TimeZoneID?
    ) -> String {
        let text = words.span(from: event.starts, to: event.ends, zone)
        guard let local, case .at = event.starts else { return text }
        return "\(text) (\(words.localTime): \(words.span(from: event.starts, to: event.ends, local)))"
    }

    /// The zone that all its regions keep.
    private static func localZone(_ bulletin: Bulletin, _ registries: Registries) -> TimeZoneID? {
        let zones = Set(bulletin.regions.filter { $0 != .country }.map(registries.timeZones.zone))
        return zones.count == 1 ? zones.first : nil
    }

    private static func state(_ proposal: Bulletin.Proposal, _ words: BulletinWords) -> String {
        joined([words.proposalState(proposal.state), proposal.stage.map(words.proposalStage), proposal.number])
    }

    private static func joined(_ parts: [String?]) -> String { parts.compactMap(\.self).joined(separator: ", ") }
}
