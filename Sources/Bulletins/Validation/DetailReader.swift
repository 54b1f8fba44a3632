/// Reads the nested objects of a bulletin.
enum DetailReader {
    static func attachment(_ reader: inout MemberReader) -> Bulletin.Attachment? {
        for key in ["title", "url", "type"] { reader.require(key) }
        let title = reader.text("title", limit: 200)
        let url = reader.text("url", like: "an http or https URL", Grammar.isWebURL)
        let type = reader.text("type", like: "a media type, for example application/pdf", Grammar.isMediaType)
        let length = reader.integer("length", in: 0...9_007_199_254_740_991)
        guard let title, let url, let type else { return nil }
        return Bulletin.Attachment(title: title, url: url, type: type, length: length)
    }

    static func contact(_ reader: inout MemberReader) -> Bulletin.Contact? {
        if reader.object.members.isEmpty { reader.addError("", "needs a name, phone or email") }
        return Bulletin.Contact(
            name: reader.text("name", limit: 200),
            phone: reader.text("phone", limit: 40),
            email: reader.text("email", like: "an email address", Grammar.isEmail))
    }

    static func event(_ reader: inout MemberReader) -> Bulletin.Event? {
        let name = reader.text("name", limit: 200)
        let place = reader.text("place", limit: 200)
        let startsAt = reader.timestamp("startsAt").map(Bulletin.Moment.at)
        let startsOn = reader.day("startsOn").map(Bulletin.Moment.on)
        let endsAt = reader.timestamp("endsAt").map(Bulletin.Moment.at)
        let endsOn = reader.day("endsOn").map(Bulletin.Moment.on)
        switch (reader.has("startsAt"), reader.has("startsOn")) {
        case (false, false): reader.addError("", "needs startsAt or startsOn")
        case (true, true): reader.addError("startsOn", "excludes startsAt; give only one of them")
        case (true, false): if reader.has("endsOn") { reader.addError("endsOn", "belongs to startsOn; use endsAt") }
        case (false, true): if reader.has("endsAt") { reader.addError("endsAt", "belongs to startsAt; use endsOn") }
        }
        guard let starts = startsAt ?? startsOn else { return nil }
        return Bulletin.Event(name: name, starts: starts, ends: endsAt ?? endsOn, place: place)
    }

    /// The values of urgency, severity and certainty are those of CAP 1.2 (OASIS), section 3.2.2.
    static func alert(_ reader: inout MemberReader) -> Bulletin.Alert? {
        reader.require("event")
        return Bulletin.Alert(
            event: reader.text("event", limit: 200) ?? "",
            urgency: reader.choice("urgency", of: ["Immediate", "Expected", "Future", "Past", "Unknown"]),
            severity: reader.choice("severity", of: ["Extreme", "Severe", "Moderate", "Minor", "Unknown"]),
            certainty: reader.choice("certainty", of: ["Observed", "Likely", "Possible", "Unlikely", "Unknown"]),
            level: reader.choice("level", of: ["waspada", "siaga", "awas"]),
            instruction: reader.text("instruction", limit: 2000),
            identifier: reader.text("identifier", limit: 200))
    }

    static let proposalStates = [
        "submitted", "returned", "verified", "forwarded", "accommodated", "realised", "rejected", "cancelled",
    ]
    static let proposalStages = ["village", "district", "agency-forum", "regency", "province"]

    static func proposal(_ reader: inout MemberReader) -> Bulletin.Proposal? {
        reader.require("state")
        let proposal = Bulletin.Proposal(
            state: reader.choice("state", of: proposalStates) ?? "",
            stage: reader.choice("stage", of: proposalStages),
            number: reader.text("number", limit: 100),
            addressedTo: reader.text("addressedTo", like: "a slug of 2-64 of a-z0-9.-", Grammar.isPublisher),
            beneficiaries: reader.integer("beneficiaries", in: 0...9_007_199_254_740_991))
        _ = reader.nested("estimatedCost") { cost -> Bool? in
            for key in ["currency", "amount"] { cost.require(key) }
            _ = cost.text("currency", like: "three upper-case letters, for example IDR", Grammar.isCurrency)
            if let amount = cost.take("amount") { checkAmount(amount, &cost) }
            return true
        }
        return proposal
    }

    private static func checkAmount(_ amount: JSONValue, _ reader: inout MemberReader) {
        switch amount {
        case .integer(let number) where number >= 0: break
        case .number(let number) where number >= 0: break
        default: reader.addError("amount", "must be a number of at least 0")
        }
    }
}
