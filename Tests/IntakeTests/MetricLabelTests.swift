import Intake
import Testing

@testable import Observability

/// The catalog knows no topology, so its list of queues has to be held to the queues that intake consumes.
struct MetricLabelTests {
    @Test func theLabelListsTheQueuesThatIntakeConsumes() {
        #expect(MetricLabel.queue.values == KentonganTopology.queues.map(\.name) + [KentonganTopology.givenUp])
    }
}
