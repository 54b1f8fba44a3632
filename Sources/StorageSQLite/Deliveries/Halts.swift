import GRDB
import Storage

/// What takes back deliveries that are on their way.
enum Halts {
    /// Has every worker look again before it sends what it claimed earlier. In the transaction of what takes back.
    static func raise(_ db: Database) throws { try db.run("UPDATE halts SET number = number + 1") }

    static func number(_ db: Database) throws -> Int64 { try db.number("SELECT number FROM halts") ?? 0 }

    /// Why a delivery may not be sent, as a number of `DeliveryHalt`; NULL if it may. With the aliases d, e, s and b of
    /// a delivery, its endpoint, subscription and bulletin.
    static let sql = """
        CASE WHEN s.state = 'ended' THEN 1 WHEN \(Suppressions.stopSQL) THEN 2 WHEN e.state <> 'active' THEN 3
            WHEN b.is_withdrawal THEN iif(\(BulletinThread.isOvertaken), 4, NULL) WHEN b.state IN ('withdrawn', 'rejected') THEN 4 WHEN b.state = 'expired' THEN 5 END
        """
}
