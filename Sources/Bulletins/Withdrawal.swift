extension AcceptedBulletin {
    /// The withdrawal of a bulletin by the operator, as the next revision of what was accepted. It needs no other look:
    /// what its publisher may do today does not matter. `why` is its note, one line of at most 500 characters.
    public static func withdrawal(of payload: [UInt8], revision: Int64, why: String)
        throws(JSONParser.Failure) -> AcceptedBulletin
    {
        var object = JSONObject()
        if case .object(let accepted) = try JSONParser.parse(payload) { object = accepted }
        object["revision"] = .integer(revision + 1)
        object["status"] = "withdrawn"
        object["note"] = .string(why)
        // None of these holds back a withdrawal.
        for member in ["body", "publishAt", "expiresAt"] { object[member] = nil }
        let bytes = JSONWriter.bytes(.object(object))
        return AcceptedBulletin(
            bulletin: try Bulletin(payload: bytes), payload: bytes, digest: BulletinValidator.digest(.object(object)))
    }
}
