//! All series, made when they are read. docs/operations.md has the list.

use super::process::Process;
use super::{Http, POLICIES};
use actix_web::web::Data;
use haat_app::App;
use haat_app::standby::Listings;
use haat_app::vitals::{Durations, Outcome};
use haat_domain::ports::{Access, BatchVitals, QueueVitals, Vitals};
use haat_domain::time::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use std::fmt::{self, Debug};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Where the numbers come from.
pub(super) struct Series {
    pub(super) http: Arc<Http>,
    pub(super) app: Data<App>,
    pub(super) started: Timestamp,
}

impl Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Series").finish_non_exhaustive()
    }
}

type Labels<'a> = [(&'a str, &'a str)];

impl Collector for Series {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut text = Text(encoder);
        self.requests(&mut text)?;
        self.work(&mut text)?;
        let mut store = self.app.store.vitals();
        if let Some(standby) = &self.app.standby {
            let copy = standby.vitals();
            store.queues.extend(copy.queues);
            store.pools.extend(copy.pools);
            listings(&mut text, standby.listings())?;
        }
        let queues: Vec<_> = store.queues.iter().cloned().chain([self.app.hashing.vitals()]).collect();
        waiting(&mut text, &queues)?;
        connections(&mut text, &store)?;
        text.histogram("haat_hashing_seconds", "Time that hashing a password took", |histogram| {
            histogram.durations(&[], &self.app.vitals.hashing)
        })?;
        self.process(&mut text)
    }
}

impl Series {
    fn requests(&self, text: &mut Text<'_>) -> fmt::Result {
        let routes = self.http.routes.read().unwrap_or_else(PoisonError::into_inner);
        text.counter("haat_http_requests", "Requests answered, by method, route and status", |counter| {
            for (route, counts) in &*routes {
                for (method, status, count) in &*counts.answers.read().unwrap_or_else(PoisonError::into_inner)
                {
                    let status = status.to_string();
                    counter
                        .count(&[("method", method), ("route", route), ("status", &status)], &count.get())?;
                }
            }
            Ok(())
        })?;
        let help = "Time from a request's head to its answer, by route";
        text.histogram("haat_http_request_duration_seconds", help, |histogram| {
            for (route, counts) in &*routes {
                histogram.durations(&[("route", route)], &counts.took)?;
            }
            Ok(())
        })?;
        let in_flight = self.http.in_flight.load(Ordering::Relaxed);
        text.gauge("haat_http_requests_in_flight", "Requests that wait for their answer", |gauge| {
            gauge.level(&[], in_flight)
        })?;
        text.counter("haat_http_limited", "Requests refused by a limit, by limit", |counter| {
            let mut all = POLICIES.iter().zip(&self.http.limited);
            all.try_for_each(|(policy, count)| counter.count(&[("policy", policy)], &count.get()))
        })?;
        text.counter("haat_http_shed", "Requests turned away while too much was under way", |counter| {
            counter.count(&[], &self.http.shed.get())
        })?;
        text.counter("haat_http_stalled", "Connections that were ended since they stood still", |counter| {
            counter.count(&[], &self.http.stalled.get())
        })
    }

    fn work(&self, text: &mut Text<'_>) -> fmt::Result {
        let vitals = &self.app.vitals;
        let kinds = [("read", Access::Read), ("scan", Access::Scan), ("write", Access::Write)];
        text.counter("haat_work", "Units of work, by what they do and what they came to", |counter| {
            for (name, access) in kinds {
                for outcome in Outcome::ALL {
                    let labels = [("access", name), ("outcome", outcome.name())];
                    counter.count(&labels, &vitals.units(access).count(outcome))?;
                }
            }
            Ok(())
        })?;
        let help = "Time that units of work waited for their turn and a connection";
        text.histogram("haat_work_wait_seconds", help, |histogram| {
            let mut all = kinds.into_iter();
            all.try_for_each(|(name, access)| {
                histogram.durations(&[("access", name)], &vitals.units(access).waited)
            })
        })?;
        let help = "Time from the begin of units of work until they were committed or rolled back";
        text.histogram("haat_work_run_seconds", help, |histogram| {
            let mut all = kinds.into_iter();
            all.try_for_each(|(name, access)| {
                histogram.durations(&[("access", name)], &vitals.units(access).ran)
            })
        })?;
        text.gauge("haat_work_under_way", "Units of work that wait or run", |gauge| {
            gauge.level(&[], number(vitals.under_way()))
        })
    }

    fn process(&self, text: &mut Text<'_>) -> fmt::Result {
        let process = Process::now();
        let gauges = [
            ("process_resident_memory_bytes", "Memory in use", process.resident_bytes.map(whole)),
            ("process_threads", "Threads", process.threads.map(whole)),
            ("process_open_fds", "Open files", process.open_files.map(number)),
            ("process_max_fds", "Files that may be open", process.most_files.map(whole)),
            ("process_start_time_seconds", "When the program started", Some(self.started.as_seconds())),
        ];
        for (name, help, value) in gauges {
            if let Some(value) = value {
                text.gauge(name, help, |gauge| gauge.level(&[], value))?;
            }
        }
        if let Some(cpu) = process.cpu {
            text.counter("process_cpu_seconds", "Processor time", |counter| {
                counter.count(&[], &cpu.as_secs_f64())
            })?;
        }
        text.gauge("haat_build_info", "The program; always 1", |gauge| {
            gauge.level(&[("version", env!("CARGO_PKG_VERSION"))], 1)
        })
    }
}

fn listings(text: &mut Text<'_>, Listings { standby, behind, away }: Listings) -> fmt::Result {
    text.counter("haat_listings", "Listings, by who has answered them, or why not the standby", |counter| {
        let counts = [("standby", standby), ("behind", behind), ("away", away)];
        counts.iter().try_for_each(|(by, count)| counter.count(&[("by", by)], count))
    })
}

fn waiting(text: &mut Text<'_>, queues: &[QueueVitals]) -> fmt::Result {
    text.gauge("haat_queue_waiting", "What waits in a queue", |gauge| {
        queues.iter().try_for_each(|queue| gauge.level(&[("queue", queue.name)], number(queue.waiting)))
    })?;
    text.gauge("haat_queue_capacity", "What may wait in a queue", |gauge| {
        queues.iter().try_for_each(|queue| gauge.level(&[("queue", queue.name)], number(queue.capacity)))
    })?;
    text.counter("haat_queue_refused", "What found a queue full", |counter| {
        queues.iter().try_for_each(|queue| counter.count(&[("queue", queue.name)], &queue.refused))
    })?;
    text.counter("haat_queue_overdue", "What waited in a queue for too long", |counter| {
        queues.iter().try_for_each(|queue| counter.count(&[("queue", queue.name)], &queue.overdue))
    })
}

fn connections(text: &mut Text<'_>, store: &Vitals) -> fmt::Result {
    text.gauge("haat_pool_connections", "Connections to the database, by pool and state", |gauge| {
        for pool in &store.pools {
            gauge.level(&[("pool", pool.name), ("state", "in_use")], pool.in_use.into())?;
            gauge.level(&[("pool", pool.name), ("state", "idle")], pool.idle.into())?;
        }
        Ok(())
    })?;
    text.gauge("haat_pool_max_connections", "Connections that a pool may have", |gauge| {
        store.pools.iter().try_for_each(|pool| gauge.level(&[("pool", pool.name)], pool.max.into()))
    })?;
    let Some(batches) = &store.batches else { return Ok(()) };
    text.histogram("haat_commit_batch_size", "Units of work that shared a COMMIT", |histogram| {
        histogram.sizes(batches)
    })
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The text that is being made.
struct Text<'a>(DescriptorEncoder<'a>);

impl Text<'_> {
    fn series(
        &mut self,
        kind: MetricType,
        name: &'static str,
        help: &str,
        fill: impl FnOnce(&mut Family<'_>) -> fmt::Result,
    ) -> fmt::Result {
        fill(&mut Family(self.0.encode_descriptor(name, help, None, kind)?))
    }

    fn counter(
        &mut self,
        name: &'static str,
        help: &str,
        fill: impl FnOnce(&mut Family<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.series(MetricType::Counter, name, help, fill)
    }

    fn gauge(
        &mut self,
        name: &'static str,
        help: &str,
        fill: impl FnOnce(&mut Family<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.series(MetricType::Gauge, name, help, fill)
    }

    fn histogram(
        &mut self,
        name: &'static str,
        help: &str,
        fill: impl FnOnce(&mut Family<'_>) -> fmt::Result,
    ) -> fmt::Result {
        self.series(MetricType::Histogram, name, help, fill)
    }
}

/// The series of one name.
struct Family<'a>(MetricEncoder<'a>);

impl Family<'_> {
    fn with(
        &mut self,
        labels: &Labels<'_>,
        write: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        if labels.is_empty() { write(&mut self.0) } else { write(&mut self.0.encode_family(&labels)?) }
    }

    fn count(&mut self, labels: &Labels<'_>, value: &impl EncodeCounterValue) -> fmt::Result {
        self.with(labels, |encoder| encoder.encode_counter::<NoLabelSet, _, u64>(value, None))
    }

    fn level(&mut self, labels: &Labels<'_>, value: i64) -> fmt::Result {
        self.with(labels, |encoder| encoder.encode_gauge(&value))
    }

    fn durations(&mut self, labels: &Labels<'_>, durations: &Durations) -> fmt::Result {
        let seconds = |bound: Option<Duration>| bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64());
        let buckets: Vec<_> = durations.counts().map(|(bound, count)| (seconds(bound), count)).collect();
        self.histogram(labels, durations.sum().as_secs_f64(), &buckets)
    }

    fn sizes(&mut self, batches: &BatchVitals) -> fmt::Result {
        let buckets: Vec<_> =
            batches.sizes.iter().map(|(bound, count)| (f64::from(*bound), *count)).collect();
        // A count as the floating number that the format has for a sum.
        let units = Duration::from_secs(batches.units).as_secs_f64();
        self.histogram(&[], units, &[buckets.as_slice(), &[(f64::INFINITY, 0)]].concat())
    }

    fn histogram(&mut self, labels: &Labels<'_>, sum: f64, buckets: &[(f64, u64)]) -> fmt::Result {
        let all = buckets.iter().map(|(_, count)| count).sum();
        self.with(labels, |encoder| encoder.encode_histogram::<NoLabelSet>(sum, all, buckets, None))
    }
}
