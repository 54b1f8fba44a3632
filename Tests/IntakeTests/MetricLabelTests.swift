import Intake
import Testing

@testable import Observability

/// The metrics name exactly the queues that intake consumes. The catalog knows no topology, so only a test can compare
/// the two.
struct MetricLabelTests {
    @Test func theLabelListsTheQueuesThatIntakeConsumes() {
        #expect(MetricLabel.queue.values == KentonganTopology.queues.map(\.name) + [KentonganTopology.givenUp])
    }
}
