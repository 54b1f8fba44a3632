import Bulletins
import Storage
import Testing

/// Each step of a bulletin gives the receipts that the contract promises, once.
struct ReceiptRuleTests {
    private let subject = ReceiptSubject(publisher: "uji", name: "b", revision: 2, replyTo: "answers")

    @Test(arguments: BulletinState.allCases)
    func aNewRevisionIsAcceptedAndMayBeginOtherwise(state: BulletinState) {
        let receipts = ReceiptRule.recorded(7, in: state, about: subject, publishAt: Samples.now, notes: ["n"])
        #expect(receipts[0].event == .accepted)
        #expect(receipts[0].id == "7.accepted")
        let second: ReceiptEvent? =
            switch state {
            case .held: .held
            case .scheduled: .scheduled
            case .withdrawn: .withdrawn
            case .published, .rejected, .superseded, .expired: nil
            }
        #expect(receipts.dropFirst().map(\.event) == [second].compactMap(\.self))
    }

    @Test func anApprovalTellsTheStateThatFollows() {
        let approved = ReceiptRule.approved(7, in: .scheduled, about: subject, publishAt: Samples.now)
        #expect(approved.map(\.id) == ["7.approved", "7.scheduled"])
        #expect(ReceiptRule.approved(7, in: .published, about: subject, publishAt: nil).count == 1)
        #expect(ReceiptRule.rejected(7, about: subject, why: "w").id == "7.rejected-by-operator")
        #expect(ReceiptRule.duplicate(of: 7, about: subject).id == "7.duplicate")
    }

    @Test func aReopenedBulletinCompletesUnderAnotherId() {
        #expect(ReceiptRule.completed(7, about: subject, []).id == "7.completed")
        #expect(ReceiptRule.completed(7, about: subject, [], reopened: 2).id == "7.completed.2")
    }

    @Test func aRoutedReceiptSumsTheChannels() {
        let receipt = ReceiptRule.routed(7, about: subject, byChannel: ["email": 3, "feed": 2], regions: ["73"])
        let body = String(decoding: receipt.body(identity: "s", time: "t"), as: UTF8.self)
        #expect(body.contains(#""id":"s.7.routed""#))
        #expect(body.contains(#""data":{"publisher":"uji","id":"b","revision":2,"deliveries":5,"#))
    }

    @Test(
        arguments: [
            (0, true, false, false, true), (1, true, false, false, false), (0, false, false, false, false),
            (0, true, true, false, false), (0, true, false, true, false),
        ] as [(Int64, Bool, Bool, Bool, Bool)])
    func aBulletinIsDoneOnce(pending: Int64, isRouted: Bool, isCompleted: Bool, isEnding: Bool, isDone: Bool) {
        let progress = ReceiptRule.Progress(
            pending: pending, isRouted: isRouted, isCompleted: isCompleted, isEnding: isEnding)
        #expect(progress.isDone == isDone)
    }

    private func message(claimed: String?, isUserChecked: Bool) -> IncomingBulletin {
        let rejection = Rejection(BulletinError("/title", .schema, "is missing"))
        var message = IncomingBulletin(
            judgement: .rejected(rejection), body: [], size: 0,
            claimedID: claimed.map { BulletinID(publisher: $0, id: "b") }, queue: "q",
            envelope: StoredEnvelope(routingKey: "k", userID: "user"))
        message.isUserChecked = isUserChecked
        return message
    }

    @Test(
        arguments: [
            ("dinas", false, [], true, ["dinas"]), (nil, false, [], false, ["unknown"]),
            ("dinas", true, ["badan", "dinas"], true, ["dinas"]),
            ("dinas", true, ["badan", "kim"], true, ["badan", "kim"]),
            ("dinas", true, [], true, ["unknown"]), ("dinas", true, [], false, ["dinas"]),
            (nil, true, [], false, ["unknown"]),
        ] as [(String?, Bool, [String], Bool, [String])])
    func aRefusalIsToldToTheCheckedUser(
        claimed: String?, isUserChecked: Bool, own: [String], isRegistered: Bool, expected: [String]
    ) {
        let message = message(claimed: claimed, isUserChecked: isUserChecked)
        #expect(ReceiptRule.addressees(of: message, own: own, isClaimedRegistered: isRegistered) == expected)
    }

    @Test func onlyTheFirstReceiptOfARefusalGoesToReplyTo() {
        let rejection = Rejection(BulletinError("/title", .schema, "is missing"))
        let receipts = ReceiptRule.rejected(3, rejection, to: ["badan", "kim"], about: subject)
        #expect(receipts.map(\.subject.publisher) == ["badan", "kim"])
        #expect(receipts.map(\.subject.replyTo) == ["answers", nil])
        #expect(receipts.allSatisfy { $0.id == "3.rejected" })
    }
}
