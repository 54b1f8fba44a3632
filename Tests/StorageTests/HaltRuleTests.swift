import Bulletins
import Storage
import Testing

struct HaltRuleTests {
    private func halt(_ change: (inout HaltRule.Facts) -> Void) -> DeliveryHalt? {
        var facts = HaltRule.Facts()
        change(&facts)
        return HaltRule.halt(facts)
    }

    @Test func theFirstReasonIsTold() {
        #expect(halt { _ in } == nil)
        #expect(halt { ($0.hasSubscriptionEnded, $0.isSuppressed) = (true, true) } == .unsubscribed)
        #expect(halt { ($0.isSuppressed, $0.isEndpointActive) = (true, false) } == .suppressed)
        #expect(halt { ($0.isEndpointActive, $0.bulletin) = (false, .expired) } == .turnedOff)
    }

    @Test(arguments: BulletinState.allCases)
    func aBulletinThatIsOverIsNotSent(state: BulletinState) {
        let expected: DeliveryHalt? =
            switch state {
            case .withdrawn, .rejected: .withdrawn
            case .expired: .expired
            default: nil
            }
        #expect(halt { $0.bulletin = state } == expected)
        // A withdrawal is, unless a later revision has replaced it.
        #expect(halt { ($0.bulletin, $0.isWithdrawal) = (state, true) } == nil)
        #expect(halt { ($0.bulletin, $0.isWithdrawal, $0.isOvertaken) = (state, true, true) } == .withdrawn)
    }
}

struct RetryRuleTests {
    private func objection(wanted: DeliveryState = .failed, _ change: (inout RetryRule.Facts) -> Void) -> String? {
        var facts = RetryRule.Facts()
        change(&facts)
        return RetryRule.objection(facts, wanted: wanted)
    }

    @Test(arguments: DeliveryState.allCases)
    func onlyWhatFailedIsTriedAgain(state: DeliveryState) {
        let reason = objection { $0.state = state }
        switch state {
        case .failed, .bounced, .suppressed: #expect(reason == nil)
        default: #expect(reason == "it is \(state.rawValue), and only what failed is tried again")
        }
    }

    @Test(arguments: Channel.allCases)
    func onlyWebhooksGetAThingTwice(channel: Channel) {
        let reason = objection(wanted: .delivered) { ($0.state, $0.channel) = (.delivered, channel) }
        #expect(
            reason
                == (channel == .webhook ? nil : "it went by \(channel.rawValue), and only webhooks get a thing twice"))
        #expect(
            objection(wanted: .delivered) { $0.channel = channel } == "it is failed, and was not delivered")
    }

    @Test(arguments: BulletinState.allCases)
    func whatIsOverIsNotTriedAgain(state: BulletinState) {
        let isOver = [.superseded, .withdrawn, .expired, .rejected].contains(state)
        #expect(objection { $0.bulletin = state } == (isOver ? "its bulletin is \(state.rawValue)" : nil))
    }

    @Test func eachObstacleHasItsWords() {
        #expect(objection { ($0.bulletin, $0.isWithdrawal) = (.withdrawn, true) } == nil)
        #expect(
            objection { ($0.bulletin, $0.isWithdrawal, $0.isOvertaken) = (.withdrawn, true, true) }
                == "a later revision is public")
        #expect(objection { $0.hasSubscriptionEnded = true } == "its subscription has ended")
        #expect(objection { $0.isSuppressed = true } == "its address is on the suppression list")
        #expect(objection { $0.isEndpointActive = false }?.hasPrefix("its endpoint is turned off") == true)
    }
}
