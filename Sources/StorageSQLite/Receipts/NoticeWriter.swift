import Bulletins
import GRDB
import Storage

/// Puts mails to owners of endpoints and to the operators beside what they tell, in its transaction.
struct NoticeWriter {
    let db: Database
    let now: Timestamp

    /// One to each address of the endpoint's owner, other than the endpoint itself unless `includesItself`; and one to
    /// the operators.
    func put(
        _ kind: Notice.Kind, about endpoint: Int64, _ details: JSONObject, includesItself: Bool = false,
        tellsOperators: Bool = true
    ) throws {
        for (address, language) in try owners(of: endpoint, includesItself: includesItself) {
            try put(kind, to: address, language, details)
        }
        if tellsOperators { try tellOperators(kind, details) }
    }

    /// One to the operators alone.
    func tellOperators(_ kind: Notice.Kind, _ details: JSONObject) throws { try put(kind, to: nil, "id", details) }

    private func put(_ kind: Notice.Kind, to address: String?, _ language: String, _ details: JSONObject) throws {
        try db.run(
            "INSERT INTO notices (kind, address, language, details, created_at, due_at) VALUES (?, ?, ?, ?, ?5, ?5)",
            [kind.rawValue, address, language, JSONWriter.text(.object(details)), now.milliseconds])
    }

    /// The owner's own address, if it is one; and the subscriber's other endpoints that take mail.
    private func owners(of endpoint: Int64, includesItself: Bool) throws -> [(String, String)] {
        let rows = try db.rows(
            """
            SELECT o.owner AS address, o.language FROM endpoints e JOIN subscribers o ON o.id = e.subscriber
            WHERE e.id = ?1 AND o.owner LIKE '%@%' AND NOT (e.channel = 'email' AND lower(e.address) = lower(o.owner))
                AND NOT EXISTS (SELECT 1 FROM suppressions WHERE address = lower(o.owner))
            UNION SELECT m.address, o.language FROM endpoints e JOIN subscribers o ON o.id = e.subscriber
                JOIN endpoints m ON m.subscriber = o.id AND m.channel = 'email' AND m.state = 'active'
            WHERE e.id = ?1 AND (?2 OR m.id <> ?1) AND NOT m.suppressed
            """, [endpoint, includesItself])
        return rows.map { ($0["address"], $0["language"]) }
    }
}
