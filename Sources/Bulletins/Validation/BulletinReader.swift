/// The first half of validation: reads a JSON value as a bulletin and checks its form.
///
/// It agrees with `config/schema/bulletin.schema.json`: a test feeds both the same input. The checks that need the
/// registries, the publisher or the time follow in `BulletinReview`.
struct BulletinReader {
    /// The members that could be read, and the errors of all others.
    struct Reading {
        var bulletin: Bulletin
        /// The codes of regions and fields, unresolved, each with its JSON pointer.
        var regionCodes: [(code: String, path: String)]
        var fieldCodes: [(code: String, path: String)]
        var errors: [BulletinError]
    }

    static func read(_ value: JSONValue) -> Reading {
        guard case .object(let object) = value else {
            return Reading(
                bulletin: Bulletin(id: BulletinID(publisher: "", id: ""), kind: .announcement, title: ""),
                regionCodes: [], fieldCodes: [], errors: [BulletinError("", .schema, "a bulletin is a JSON object")])
        }
        var reader = MemberReader(object, path: "")
        for key in ["id", "kind", "publisher", "title", "regions", "fields"] { reader.require(key) }
        var bulletin = identity(&reader)
        content(&reader, &bulletin)
        times(&reader, &bulletin)
        let regions = codes("regions", 1...200, &reader)
        let fields = codes("fields", 1...10, &reader)
        details(&reader, &bulletin)
        reader.rejectUnknown(exceptPrefix: "x-")
        return Reading(bulletin: bulletin, regionCodes: regions, fieldCodes: fields, errors: reader.errors)
    }

    private static func identity(_ reader: inout MemberReader) -> Bulletin {
        let id = reader.text("id", like: "1-128 of A-Za-z0-9._:-, and neither . nor ..", Grammar.isBulletinID)
        let publisher = reader.text("publisher", like: "a slug of 2-64 of a-z0-9.-", Grammar.isPublisher)
        let kind = reader.choice("kind", Bulletin.Kind.self)
        let title = reader.text("title", limit: 200)
        var bulletin = Bulletin(
            id: BulletinID(publisher: publisher ?? "", id: id ?? ""), kind: kind ?? .announcement, title: title ?? "")
        bulletin.revision = reader.integer("revision", in: 1...2_147_483_647) ?? 1
        bulletin.status = reader.choice("status", Bulletin.Status.self) ?? .published
        bulletin.urgency = reader.choice("urgency", Bulletin.Urgency.self) ?? .routine
        bulletin.language = reader.text("language", like: "a BCP 47 language tag", Grammar.isLanguage) ?? "id"
        return bulletin
    }

    private static func content(_ reader: inout MemberReader, _ bulletin: inout Bulletin) {
        bulletin.summary = reader.text("summary", limit: 500, minimum: 0)
        bulletin.note = reader.text("note", limit: 500, minimum: 0)
        bulletin.body = reader.text("body", limit: 65_536, allowing: [0x09, 0x0A, 0x0D])
        if bulletin.status == .published { reader.require("body") }
        if let body = bulletin.body, body.utf8.count > 65_536 { reader.addError("body", "is larger than 64 KiB") }
        bulletin.link = reader.text("link", like: "an http or https URL", Grammar.isWebURL)
        bulletin.legalBasis =
            reader.list("legalBasis", 0...10) { element, path, reader in
                guard case .string(let line) = element, (1...500).contains(line.unicodeScalars.count),
                    !Grammar.hasControls(line)
                else {
                    reader.addError(path: path, "must be one line of 1-500 characters")
                    return nil
                }
                if let problem = Grammar.fault(ofLine: line, mayBeBlank: false) {
                    reader.addError(path: path, problem)
                    return nil
                }
                return line
            } ?? []
    }

    private static func times(_ reader: inout MemberReader, _ bulletin: inout Bulletin) {
        bulletin.issuedAt = reader.timestamp("issuedAt")
        bulletin.publishAt = reader.timestamp("publishAt")
        bulletin.effectiveAt = reader.timestamp("effectiveAt")
        bulletin.expiresAt = reader.timestamp("expiresAt")
    }

    /// Reads a list of codes without resolving them. A duplicate is an error.
    private static func codes(_ key: String, _ limits: ClosedRange<Int>, _ reader: inout MemberReader) -> [(
        String, String
    )] {
        // Compared by bytes: Swift considers canonically equivalent strings equal.
        var seen: Set<[UInt8]> = []
        return reader.list(key, limits) { element, path, reader in
            guard case .string(let code) = element, (1...64).contains(code.unicodeScalars.count) else {
                reader.addError(path: path, "must be a code of 1-64 characters")
                return nil
            }
            guard seen.insert(Array(code.utf8)).inserted else {
                reader.addError(path: path, "\(code) appears twice")
                return nil
            }
            return (code, path)
        } ?? []
    }

    private static func details(_ reader: inout MemberReader, _ bulletin: inout Bulletin) {
        bulletin.attachments =
            reader.list("attachments", 0...20) { element, path, reader in
                guard case .object(let object) = element else {
                    reader.addError(path: path, "must be an object")
                    return nil
                }
                return reader.nested(object, at: path, DetailReader.attachment)
            } ?? []
        bulletin.contact = reader.nested("contact", DetailReader.contact)
        bulletin.event = reader.nested("event", DetailReader.event)
        bulletin.alert = reader.nested("alert", DetailReader.alert)
        bulletin.inReplyTo = reader.text("inReplyTo", like: "PUBLISHER/ID of a proposal") { BulletinID($0) != nil }
            .flatMap { BulletinID($0) }
        bulletin.proposal = reader.nested("proposal", DetailReader.proposal)
        checkProposal(&reader, bulletin)
    }

    private static func checkProposal(_ reader: inout MemberReader, _ bulletin: Bulletin) {
        switch bulletin.kind {
        case .proposal:
            if bulletin.status == .published { reader.require("proposal") }
            if reader.has("inReplyTo") { reader.addError("inReplyTo", "is for announcements only") }
        case .announcement:
            if reader.has("proposal") && !reader.has("inReplyTo") {
                reader.addError("proposal", "is for proposals, and for announcements with inReplyTo")
            }
        }
    }
}
