import Bulletins
import GRDB
import Storage

/// Puts notices to owners of endpoints and to the operators, in the transaction of what they tell.
struct NoticeWriter {
    let db: Database
    let now: Timestamp

    /// Puts one notice to each mail address of the endpoint's owner, and one to the operators. The endpoint's own address
    /// gets one only if `includesItself`.
    func put(
        _ kind: Notice.Kind, about endpoint: Int64, _ details: JSONObject, includesItself: Bool = false,
        tellsOperators: Bool = true
    ) throws {
        for (address, language) in try owners(of: endpoint, includesItself: includesItself) {
            try put(kind, to: address, language, details)
        }
        if tellsOperators { try tellOperators(kind, details) }
    }

    /// Puts one notice to the operators alone.
    func tellOperators(_ kind: Notice.Kind, _ details: JSONObject) throws { try put(kind, to: nil, "id", details) }

    private func put(_ kind: Notice.Kind, to address: String?, _ language: String, _ details: JSONObject) throws {
        try db.run(
            "INSERT INTO notices (kind, address, language, details, created_at, due_at) VALUES (?, ?, ?, ?, ?5, ?5)",
            [kind.rawValue, address, language, JSONWriter.text(.object(details)), now.milliseconds])
    }

    /// The owner, if that is a mail address, and the subscriber's other endpoints that take mail; each with its language.
    private func owners(of endpoint: Int64, includesItself: Bool) throws -> [(String, String)] {
        let rows = try db.rows(
            """
            SELECT o.owner AS address, o.language FROM endpoints e JOIN subscribers o ON o.id = e.subscriber
            WHERE e.id = ?1 AND o.owner LIKE '%@%' AND NOT (\(Channel.mailboxes("e.channel")) AND lower(e.address) = lower(o.owner))
                AND NOT EXISTS (SELECT 1 FROM suppressions WHERE address = lower(o.owner))
            UNION SELECT m.address, o.language FROM endpoints e JOIN subscribers o ON o.id = e.subscriber
                JOIN endpoints m ON m.subscriber = o.id AND \(Channel.mailboxes("m.channel")) AND m.state = 'active'
            WHERE e.id = ?1 AND (?2 OR m.id <> ?1) AND NOT m.suppressed
            """, [endpoint, includesItself])
        return rows.map { ($0["address"], $0["language"]) }
    }
}
