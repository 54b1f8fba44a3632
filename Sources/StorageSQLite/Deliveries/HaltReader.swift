import Storage
import Synchronization

/// Reads, without a hop to another thread, whether a delivery may still be sent.
final class HaltReader: Sendable {
    private let statements: Mutex<Statements>

    init(path: String) throws(SQLiteStoreOpenError) { statements = Mutex(try Statements(path: path)) }

    func halt(of delivery: ClaimedDelivery, owner: LeaseOwner) throws(StoreError) -> DeliveryHalt? {
        try statements.withLock { statements throws(StoreError) in
            guard try statements.number() != delivery.haltNumber else { return nil }
            return try statements.halt(of: delivery, owner: owner)
        }
    }

    /// Nothing else has its connection.
    private struct Statements: ~Copyable {
        private let selectNumber: DirectStatement
        private let selectHalt: DirectStatement
        private let connection: DirectConnection

        init(path: String) throws(SQLiteStoreOpenError) {
            let connection = try DirectConnection(path: path)
            let selectNumber = try connection.prepare("SELECT number FROM halts")
            selectHalt = try connection.prepare(
                """
                SELECT \(Halts.sql) FROM deliveries d JOIN endpoints e ON e.id = d.endpoint
                    JOIN subscriptions s ON s.id = d.subscription JOIN bulletins b ON b.id = d.bulletin
                WHERE d.id = ? AND d.state = 'sending' AND d.lease_owner = ? AND d.attempts = ?
                """)
            self.selectNumber = selectNumber
            self.connection = connection
        }

        func number() throws(StoreError) -> Int64? { try selectNumber.number() ?? nil }

        func halt(of delivery: ClaimedDelivery, owner: LeaseOwner) throws(StoreError) -> DeliveryHalt? {
            guard let found = try selectHalt.number([delivery.number, owner.name, delivery.attempt]) else {
                return .lost
            }
            return found.flatMap { DeliveryHalt(rawValue: Int($0)) }
        }
    }
}
