import Administration
import Bulletins
import Intake
import Storage
import Testing

struct RejectedOperationsTests {
    private func rejected(_ body: [UInt8] = TestDesk.payload("b")) async throws -> TestDesk {
        let desk = try TestDesk()
        let error = BulletinError("/publisher", .unknownPublisher, "uji is not registered")
        try await desk.recordRejection(String(decoding: body, as: UTF8.self), error)
        return desk
    }

    private func judge() throws -> MessageJudge {
        MessageJudge(registries: try TestDesk.registries(), requiresUser: true)
    }

    @Test func aMessageIsTakenOnceItsPublisherIsRegistered() async throws {
        let desk = try await rejected()
        await expect(.conflict, "1 is still refused as unknown-publisher: /publisher") {
            _ = try await desk.rejected.requeue(1, judge: try judge())
        }
        try await desk.register()
        #expect(try await desk.rejected.requeue(1, judge: try judge()) == .accepted(.published))
        await expect(.conflict, "1 was requeued at 2027-01-15T08:00:00Z already") {
            _ = try await desk.rejected.requeue(1, judge: try judge())
        }
        #expect(try await desk.rejected.list(PageRequest(limit: 9)).rows.count == 1, "no second rejection is made")
    }

    /// The message is good by itself, and a later revision is known.
    @Test func aStaleRevisionStaysRejected() async throws {
        let desk = try await rejected()
        try await desk.register()
        try await desk.record("b", revision: 2)
        await expect(.conflict, "1 is still refused as stale-revision") {
            _ = try await desk.rejected.requeue(1, judge: try judge())
        }
    }

    @Test func anUnknownMessageIsNamed() async throws {
        let desk = try await rejected()
        #expect(try await desk.rejected.show(1).reason == "unknown-publisher")
        await expect(.unknown, "there is no refused message 7", "rejected list") {
            _ = try await desk.rejected.show(7)
        }
    }
}
