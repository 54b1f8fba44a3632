import Bulletins
import Testing

/// Compares the routing legs, which the store's SQL scans, and `Audience` with the plain rule, over generated cases.
struct RoutingTests {
    private static let regions = [
        "ID", "73", "73.71", "73.71.01", "73.71.01.1001", "73.71.10", "73.10", "52", "52.03.15.2001",
    ].compactMap { Region($0) }
    private static let fields = ["kesehatan", "kesehatan.stunting", "kesehatan.wabah", "pangan"].compactMap {
        Field($0)
    }

    private func isOnALeg(_ subscription: Subscription, _ legs: [RoutingLeg]) -> Bool {
        legs.contains { leg in
            leg.field == subscription.field.description && leg.regions.contains(subscription.region.rawValue)
                && leg.reachMask & subscription.reach.mask != 0
        }
    }

    @Test func legsAgreeWithTheRule() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var bulletin = Bulletin(id: BulletinID(publisher: "uji", id: "1"), kind: .announcement, title: "T")
            bulletin.regions = Array(Self.regions.shuffled(using: &random).prefix(Int.random(in: 1...3)))
            bulletin.fields = Array(Self.fields.shuffled(using: &random).prefix(Int.random(in: 1...2)))
            let (legs, audience) = (bulletin.routingLegs, Audience(of: bulletin))
            for region in Self.regions {
                for field in [FieldFilter.any] + Self.fields.map(FieldFilter.field) {
                    for reach in Reach.allCases {
                        let subscription = Subscription(
                            endpoint: Endpoint(channel: .feed, address: "f"), region: region, field: field, reach: reach
                        )
                        #expect(
                            isOnALeg(subscription, legs) == subscription.matches(bulletin),
                            "\(bulletin.regions) \(bulletin.fields) \(subscription)")
                        #expect(audience.contains(subscription) == subscription.matches(bulletin))
                    }
                }
            }
        }
    }

    @Test func kindAndUrgencyNarrow() throws {
        var bulletin = Bulletin(id: BulletinID(publisher: "uji", id: "1"), kind: .proposal, title: "T")
        bulletin.regions = [.country]
        bulletin.fields = Self.fields
        var subscription = Subscription(endpoint: Endpoint(channel: .feed, address: "f"), region: .country)
        #expect(subscription.matches(bulletin))
        subscription.urgency = .important
        #expect(!subscription.matches(bulletin))
        bulletin.urgency = .emergency
        #expect(subscription.matches(bulletin))
        subscription.kinds = [.announcement]
        #expect(!subscription.matches(bulletin))
    }
}
