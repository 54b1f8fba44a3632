import Administration
import Bulletins
import Storage
import Testing

struct DeliveryOperationsTests {
    private func failed() async throws -> TestDesk {
        let desk = try TestDesk()
        _ = try await desk.subscribe("a@x.example")
        _ = try await desk.subscribe("b@x.example")
        try await desk.record("b")
        try await desk.deliver(.failed)
        return desk
    }

    private func retried(_ typed: TypedRetry, _ desk: TestDesk) async throws -> [String] {
        var addresses: [String] = []
        try await desk.deliveries.retry(try RetrySelection(typed)) { addresses += $0.map(\.address) }
        return addresses
    }

    @Test func deliveriesAreListedByFilter() async throws {
        let desk = try await failed()
        func listed(bulletin: String? = nil, state: String? = nil, endpoint: String? = nil) async throws -> [String] {
            let filter = try DeliveryFilter(bulletin: bulletin, state: state, endpoint: endpoint)
            return try await desk.deliveries.list(filter, PageRequest(limit: 9)).rows.map(\.address)
        }
        #expect(try await listed(bulletin: "uji/b", state: "failed") == ["b@x.example", "a@x.example"])
        #expect(try await listed(endpoint: "A@X.example") == ["a@x.example"])
        #expect(try await listed(state: "pending").isEmpty)
        await expect(.unknown, "there is no bulletin uji/tiada") { _ = try await listed(bulletin: "uji/tiada") }
        await expect(.invalid, "tiada is no state; it is one of pending") { _ = try await listed(state: "tiada") }
        await expect(.invalid, "uji is not PUBLISHER/ID") { _ = try await listed(bulletin: "uji") }
    }

    @Test func aDeliveryIsShownWithItsHistory() async throws {
        let desk = try await failed()
        let view = try await desk.deliveries.show(1)
        #expect(view.row.state == .failed && view.attempts.map(\.code) == ["550"] && view.bounces.isEmpty)
        await expect(.unknown, "there is no delivery 9", "deliveries list") { _ = try await desk.deliveries.show(9) }
    }

    @Test func failedDeliveriesAreTriedAgain() async throws {
        let desk = try await failed()
        var typed = TypedRetry()
        typed.endpoint = "a@x.example"
        #expect(try await retried(typed, desk) == ["a@x.example"])
        await expect(.conflict, "there is nothing to try again") { _ = try await retried(typed, desk) }
        typed = TypedRetry()
        (typed.bulletin, typed.since) = ("uji/b", "2027-01-01T00:00:00+07:00")
        #expect(try await retried(typed, desk) == ["b@x.example"])
    }

    @Test func oneThatMayNotBeTriedAgainRefusesAll() async throws {
        let desk = try await failed()
        var typed = TypedRetry()
        typed.numbers = [1, 9]
        await expect(.conflict, "delivery 9 is not tried again") { _ = try await retried(typed, desk) }
        #expect(try await desk.deliveries.show(1).row.state == .failed)
    }

    @Test func aSelectionIsReadOrRefused() async throws {
        var typed = TypedRetry()
        typed.since = "kemarin"
        await expect(.invalid, "kemarin is no time; write it like") { _ = try RetrySelection(typed) }
        typed = TypedRetry()
        typed.state = "pending"
        await expect(.invalid, "--state is one of failed, bounced, suppressed, delivered") {
            _ = try RetrySelection(typed)
        }
    }

    @Test func theSummaryCounts() async throws {
        let desk = try await failed()
        #expect(try await desk.deliveries.summary() == [DeliveryCount(channel: "email", state: "failed", count: 2)])
    }
}
