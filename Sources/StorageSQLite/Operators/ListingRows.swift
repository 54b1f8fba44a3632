import Bulletins
import GRDB
import Storage

extension Row {
    func bulletinRow(_ db: Database) throws -> BulletinRow {
        let deliveries = try (self["counts"] as String?).map { try DeliveryCounts.read($0) } ?? counted(db)
        let (regions, fields): (String, String) = (self["regions"], self["fields"])
        let stored = try storedBulletin()
        return BulletinRow(
            stored: stored, title: self["title"], urgency: urgency("urgency"),
            regions: regions.split(separator: " ").map(String.init),
            fields: fields.split(separator: " ").map(String.init),
            issuedAt: timestamp("issued_at"), publishAt: timestamp("publish_at"), expiresAt: timestamp("expires_at"),
            deliveries: deliveries,
            proposal: stored.kind == .proposal
                ? try ProposalHistory.lastAnswer(to: stored.id, db) ?? stored.bulletin().proposal : nil)
    }

    /// The deliveries of a bulletin that is not complete, by channel and state.
    private func counted(_ db: Database) throws -> [String: [String: Int]] {
        try db.rows(
            "SELECT channel, state, count(*) AS number FROM deliveries WHERE bulletin = ? GROUP BY channel, state",
            [self["id"] as Int64]
        ).reduce(into: [:]) { $0[$1["channel"] as String, default: [:]][$1["state"] as String] = $1["number"] }
    }

    func deliveryRow() throws -> DeliveryRow {
        DeliveryRow(
            number: self["id"], bulletin: BulletinID(publisher: self["publisher"], id: self["name"]),
            revision: self["revision"],
            channel: self["channel"], address: self["address"], state: try choice("state"), attempts: self["attempts"],
            dueAt: timestamp("due_at"), finishedAt: timestamp("finished_at"),
            digestAt: timestamp("digest_at"), code: self["code"],
            detail: self["detail"],
            subscription: self["subscription"], region: try region("region"), field: self["field"])
    }
}

extension DeliveryRow {
    /// The columns that `deliveryRow` reads.
    static let columns = "SELECT d.*, b.publisher, b.name, b.revision, e.address, s.region, s.field"
    static let select = "\(columns) FROM \(DeliveryJoin.order(byBulletin: false, byAddress: false))"
}

/// Joins deliveries `d` with their bulletins `b`, endpoints `e` and subscriptions `s`, in the order in which the filter finds
/// them. An endpoint's deliveries are looked for in each bulletin, since an index by endpoint would cost each delivery a page.
enum DeliveryJoin {
    /// Those that ended unsent, by their own index. The statement has to name its states.
    static let unsent = """
        deliveries d INDEXED BY deliveries_unsent JOIN bulletins b ON b.id = d.bulletin
        JOIN endpoints e ON e.id = d.endpoint JOIN subscriptions s ON s.id = d.subscription
        """

    static func order(byBulletin: Bool, byAddress: Bool) -> String {
        let subscription = "JOIN subscriptions s ON s.id = d.subscription"
        if byAddress {
            return """
                endpoints e CROSS JOIN bulletins b
                CROSS JOIN deliveries d ON d.bulletin = b.id AND d.endpoint = e.id \(subscription)
                """
        }
        return byBulletin
            ? "bulletins b CROSS JOIN deliveries d ON d.bulletin = b.id JOIN endpoints e ON e.id = d.endpoint \(subscription)"
            : "deliveries d JOIN bulletins b ON b.id = d.bulletin JOIN endpoints e ON e.id = d.endpoint \(subscription)"
    }
}
