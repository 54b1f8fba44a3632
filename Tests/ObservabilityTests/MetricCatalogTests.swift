import Bulletins
import Golden
import Testing

@testable import Observability

/// The catalog bounds the series, follows Prometheus's conventions and matches its page in the docs.
struct MetricCatalogTests {
    /// Labels take their values from closed sets, so the catalog alone bounds the size of a scrape.
    @Test func theNumberOfSeriesIsBounded() {
        let limit = MetricCatalog.all.reduce(0) { $0 + $1.seriesLimit }
        #expect(limit < 2000, "\(limit) series; take a label away, or values")
    }

    @Test func aValueThatIsNotListedMakesNoSeriesOfItsOwn() {
        let metrics = Metrics()
        let intake = IntakeMetrics(metrics)
        for number in 0..<1000 { intake.message(from: "queue-\(number)", "accepted", reason: "reason-\(number)") }
        let lines = metrics.text.split(separator: "\n").filter { $0.hasPrefix("kentongan_messages_total{") }
        #expect(lines == [#"kentongan_messages_total{queue="other",outcome="accepted",reason="other"} 1000"#])
    }

    @Test func aHistogramCountsUpToEachBound() {
        let metrics = Metrics()
        let fanout = FanoutMetrics(metrics)
        for took in [Duration.milliseconds(3), .milliseconds(30), .seconds(90)] {
            fanout.step(routed: 1, made: 10, took: took)
        }
        let text = metrics.text
        #expect(text.contains("kentongan_routing_seconds_bucket{le=\"0.005\"} 1\n"))
        #expect(text.contains("kentongan_routing_seconds_bucket{le=\"60\"} 2\n"))
        #expect(text.contains("kentongan_routing_seconds_bucket{le=\"+Inf\"} 3\n"))
        #expect(text.contains("kentongan_routing_seconds_count 3\n"))
        #expect(text.contains("kentongan_deliveries_made_total 30\n"))
    }

    @Test func namesFollowTheConventionsOfPrometheus() {
        #expect(Set(MetricCatalog.all.map(\.name)).count == MetricCatalog.all.count)
        for metric in MetricCatalog.all {
            #expect(metric.name.hasPrefix("kentongan_") && metric.help.hasSuffix("."), "\(metric.name)")
            #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"), "\(metric.name)")
        }
    }

    @Test func thePageListsEveryMetric() throws {
        let rows = MetricCatalog.all.map { metric in
            let labels = metric.labels.map { "`\($0.name)`" }.joined(separator: ", ")
            return "| `\(metric.name)` | \(metric.kind.word) | \(labels) | \(metric.help) \(metric.action) |"
                .replacing("  |", with: " |").replacing(" . |", with: ". |")
        }
        var values: [String] = []
        for metric in MetricCatalog.all {
            for label in metric.labels where label.name != "version" {
                let line = ": \(label.values.map { "`\($0)`" }.joined(separator: ", "))\n"
                if !values.contains(where: { $0.hasSuffix(line) }) {
                    values.append("- `\(label.name)`, first of `\(metric.name)`\(line)")
                }
            }
        }
        try Golden.expect(
            """
            # Metrics

            `/metrics` returns these in the text format of Prometheus, at `http.opsListen` or `http.listen`. A series exists from
            its first value on. The tests generate this page from the catalog (`make golden`).

            | name | kind | labels | meaning, and what to do |
            | --- | --- | --- | --- |
            \(rows.joined(separator: "\n"))

            ## Values of labels

            A value that is not listed counts as `other`.

            \(values.joined())
            """, at: "docs/metrics.md")
    }

    @Test func theHistoryKeepsAnHour() {
        let metrics = Metrics()
        for number in 0..<200 {
            FanoutMetrics(metrics).step(routed: 1, made: 0, took: .zero)
            metrics.sample(now: Timestamp(milliseconds: Int64(number) * 30_000))
        }
        let points = metrics.history.series["kentongan_bulletins_routed_total"] ?? []
        #expect(points.count == 120 && points.first?.value == 81 && points.last?.value == 200)
    }
}
