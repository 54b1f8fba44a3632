package import Bulletins

/// The structured facts of a bulletin as labelled lines, shared by mails, feeds and pages.
package enum BulletinFacts {
    package struct Fact: Sendable, Equatable {
        package let label: String
        package let value: String
        /// The link behind the value.
        package var url: String?
    }

    /// Returns the facts that a bulletin has. Times are in `zone`, the reader's time zone.
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
        add(words.when, bulletin.event.map { when($0, words, zone: zone, local: local) })
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

    /// Formats the time of an event. If the place keeps another time zone than the reader, its local time is added,
    /// because the bulletin's text refers to that.
    private static func when(
        _ event: Bulletin.Event, _ words: BulletinWords, zone: TimeZoneID, local: TimeZoneID?
    ) -> String {
        let text = words.span(from: event.starts, to: event.ends, zone)
        guard let local, case .at = event.starts else { return text }
        return "\(text) (\(words.localTime): \(words.span(from: event.starts, to: event.ends, local)))"
    }

    /// The time zone that all regions of the bulletin share.
    private static func localZone(_ bulletin: Bulletin, _ registries: Registries) -> TimeZoneID? {
        let zones = Set(bulletin.regions.filter { $0 != .country }.map(registries.timeZones.zone))
        return zones.count == 1 ? zones.first : nil
    }

    private static func state(_ proposal: Bulletin.Proposal, _ words: BulletinWords) -> String {
        joined([words.proposalState(proposal.state), proposal.stage.map(words.proposalStage), proposal.number])
    }

    private static func joined(_ parts: [String?]) -> String { parts.compactMap(\.self).joined(separator: ", ") }
}
