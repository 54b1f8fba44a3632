import Bulletins
import Foundation
import Storage
import StorageSQLite
import Testing

/// Numbers, of which ids, links and return paths are made, never come again.
struct NumberConformance {
    private static let all = Retention(
        bulletins: .seconds(1), deliveries: .seconds(1), attempts: .seconds(1), refusals: .seconds(1),
        addresses: .seconds(1))

    private func prune(_ test: TestStore) async throws {
        let messages = try await test.store.outboxMessages(after: 0, limit: 1000)
        try await test.store.removeOutboxMessages(messages.map(\.number))
        while try await test.store.prune(Self.all, limit: 3, now: test.now + .seconds(9)) > 0 {}
    }

    private func receiptIDs(_ test: TestStore) async throws -> [String] {
        try await test.store.outboxMessages(after: 0, limit: 1000).compactMap { message in
            guard case .receipt(_, _, let body) = message.content,
                case .object(let receipt) = try JSONParser.parse(body), case .string(let id)? = receipt["id"]
            else { return nil }
            return id
        }
    }

    @Test(arguments: Backend.allCases, 1...4)
    func aDeliveryHasANumberOfItsOwnAfterRetention(backend: Backend, rounds: Int) async throws {
        let test = try backend.make()
        for number in 0..<3 { try await test.subscribe("a\(number)@x.example", "73") }
        var seen: Set<Int64> = []
        for round in 0..<rounds {
            _ = try await test.accept("b\(round)")
            // In chunks that end within the bulletin.
            try await test.fanOut(limit: 2)
            let made = try await test.deliveries("b\(round)").map(\.number)
            #expect(made.count == 3 && seen.isDisjoint(with: made))
            seen.formUnion(made)
            for claimed in try await test.claim() { try await test.record(claimed, .delivered) }
            try await prune(test)
            #expect(try await test.store.deliverySummary().isEmpty)
            // A bulletin that nobody hears of does not lose the place.
            _ = try await test.accept("unheard\(round)", regions: ["11"])
            try await test.fanOut()
            #expect(try await test.store.deliverySummary().isEmpty)
        }
    }

    /// Those of a correction come from other statements than those of matches.
    @Test(arguments: Backend.allCases)
    func aCorrectionsDeliveriesHaveNumbersOfTheirOwnToo(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        _ = try await test.accept("first")
        try await test.fanOut()
        _ = try await test.accept("second", at: test.now + .seconds(60))
        try await test.fanOut(at: test.now + .seconds(60))
        let numbers = try await test.deliveries("second").map(\.number)
        for claimed in try await test.claim() {
            let isFirst = claimed.number < numbers[0]
            try await test.record(claimed, .delivered, at: isFirst ? test.now + .seconds(60) : test.now)
        }
        try await prune(test)
        _ = try await test.accept("first", revision: 2, at: test.now + .seconds(60))
        try await test.fanOut(at: test.now + .seconds(60))
        let corrected = try await test.deliveries("first", revision: 2).map(\.number)
        #expect(corrected.count == 1 && corrected[0] > numbers[0])
    }

    @Test(arguments: Backend.allCases)
    func aRejectionHasANumberAndReceiptOfItsOwnAfterRetention(backend: Backend) async throws {
        let test = try backend.make()
        var (numbers, ids): (Set<Int64>, Set<String>) = ([], [])
        for revision in 1...3 {
            let message = IncomingBulletin(
                judgement: .rejected(Rejection(BulletinError("/title", .schema, "it is \(revision)"))), body: [1],
                size: 1,
                claimedID: nil, queue: "q", envelope: StoredEnvelope(routingKey: "k"))
            _ = try await test.store.record([message], now: test.now)
            let found = try await test.store.rejections(limit: 9).map(\.number)
            #expect(found.count == 1)
            numbers.formUnion(found)
            ids.formUnion(try await receiptIDs(test))
            try await prune(test)
            #expect(try await test.store.rejections(limit: 9).isEmpty)
        }
        #expect(numbers.count == 3 && ids.count == 3)
    }

    @Test(arguments: Backend.allCases)
    func twoInstallationsShareNoReceiptID(backend: Backend) async throws {
        var ids: [[String]] = []
        for _ in 0..<2 {
            let test = try backend.make()
            _ = try await test.accept("b")
            try await test.fanOut()
            let identity = try await test.store.identity()
            let made = try await receiptIDs(test)
            #expect(made.count == 3 && made.allSatisfy { $0.hasPrefix(identity + ".") })
            ids.append(made)
        }
        #expect(Set(ids[0]).isDisjoint(with: ids[1]))
    }
}
