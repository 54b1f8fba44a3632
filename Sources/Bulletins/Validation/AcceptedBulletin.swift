/// A valid bulletin in the form in which it is stored.
///
/// Identity is (publisher, id, revision). The digest decides whether a second message under the same identity is a
/// duplicate, which is acknowledged, or a stale revision, which is rejected.
public struct AcceptedBulletin: Sendable {
    public var bulletin: Bulletin
    /// The bulletin as JSON, with its publisher, id and revision filled in and retired codes replaced.
    public var payload: [UInt8]
    /// The SHA-256 hash of the payload with sorted members. Two messages with the same digest have the same content.
    public var digest: [UInt8]
    /// Remarks for the receipt, for example that a retired code was replaced.
    public var notes: [String]
    /// The bulletin is held until an operator approves it.
    public var isModerated: Bool

    public init(bulletin: Bulletin, payload: [UInt8], digest: [UInt8], notes: [String] = [], isModerated: Bool = false)
    {
        self.bulletin = bulletin
        self.payload = payload
        self.digest = digest
        self.notes = notes
        self.isModerated = isModerated
    }
}

extension AcceptedBulletin {
    /// Makes the operator's withdrawal of an accepted bulletin, as its next revision.
    ///
    /// The withdrawal is not validated again: the publisher's scope of today must not prevent it. `why` becomes its
    /// note, one line of at most 500 characters.
    public static func withdrawal(of payload: [UInt8], revision: Int64, why: String)
        throws(JSONParser.Failure) -> AcceptedBulletin
    {
        var object = JSONObject()
        if case .object(let accepted) = try JSONParser.parse(payload) { object = accepted }
        object["revision"] = .integer(revision + 1)
        object["status"] = "withdrawn"
        object["note"] = .string(why)
        // A withdrawal has no body, and applies immediately.
        for member in ["body", "publishAt", "expiresAt"] { object[member] = nil }
        let bytes = JSONWriter.bytes(.object(object))
        return AcceptedBulletin(
            bulletin: try Bulletin(payload: bytes), payload: bytes, digest: BulletinValidator.digest(.object(object)))
    }
}

extension Bulletin {
    /// Reads a stored payload. Its codes were resolved when the bulletin was accepted.
    public init(payload: [UInt8]) throws(JSONParser.Failure) {
        let reading = BulletinReader.read(try JSONParser.parse(payload))
        self = reading.bulletin
        regions = reading.regionCodes.compactMap { Region($0.code) }
        fields = reading.fieldCodes.compactMap { Field($0.code) }
    }
}
