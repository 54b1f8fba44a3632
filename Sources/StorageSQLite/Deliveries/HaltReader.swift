import Storage
import Synchronization

/// Reads whether deliveries may still be sent, without a hop to another thread. A look costs microseconds on the embedded
/// store, less than collecting several of them would.
final class HaltReader: Sendable {
    private let statements: Mutex<Statements>

    init(path: String) throws(StoreFileError) { statements = Mutex(try Statements(path: path)) }

    func halts(of deliveries: [ClaimedDelivery]) throws(StoreError) -> [Int64: DeliveryHalt] {
        try statements.withLock { statements throws(StoreError) in
            let number = try statements.number()
            var found: [Int64: DeliveryHalt] = [:]
            for delivery in deliveries where delivery.haltNumber != number {
                if let halt = try statements.halt(of: delivery) { found[delivery.number] = halt }
            }
            return found
        }
    }

    /// The only statements of their connection.
    private struct Statements: ~Copyable {
        private let selectNumber: DirectStatement
        private let selectHalt: DirectStatement
        private let connection: DirectConnection

        init(path: String) throws(StoreFileError) {
            let connection = try DirectConnection(path: path)
            let selectNumber = try connection.prepare("SELECT number FROM halts")
            selectHalt = try connection.prepare(
                """
                SELECT \(Halts.sql) FROM deliveries d JOIN endpoints e ON e.id = d.endpoint
                    JOIN subscriptions s ON s.id = d.subscription JOIN bulletins b ON b.id = d.bulletin
                WHERE d.id = ? AND d.state = 'sending' AND d.lease = ?
                """)
            self.selectNumber = selectNumber
            self.connection = connection
        }

        func number() throws(StoreError) -> Int64? { try selectNumber.number() ?? nil }

        func halt(of delivery: ClaimedDelivery) throws(StoreError) -> DeliveryHalt? {
            guard let found = try selectHalt.number([delivery.number, delivery.lease]) else { return .lost }
            return found.flatMap { DeliveryHalt(rawValue: Int($0)) }
        }
    }
}
