//! What a person is doing (RFC 4480 section 3.2).

use crate::events::text;
use crate::events::xml::Element;

/// Declares the registered activities: variant, token, the element that says it, in words.
macro_rules! activities {
    ($($name:ident $token:literal $element:literal $doc:literal;)+) => {
        /// What a person is doing.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Activity {
            $(
                #[doc = $doc]
                $name,
            )+
            /// Anything else, in their words.
            Other(String),
        }

        impl Activity {
            /// Every registered activity.
            pub const REGISTERED: &[Activity] = &[$(Activity::$name,)+];

            /// The token of the registry: `on-the-phone`; other words as they came.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Activity::$name => $token,)+
                    Activity::Other(words) => words,
                }
            }

            /// The element that says it; `None` for other words.
            pub(super) const fn element(&self) -> Option<&'static str> {
                match self {
                    $(Activity::$name => Some($element),)+
                    Activity::Other(_) => None,
                }
            }
        }
    };
}

activities! {
    Appointment "appointment" "rpid:appointment" "Has an appointment.";
    Away "away" "rpid:away" "Is away from all devices.";
    Breakfast "breakfast" "rpid:breakfast" "Eats the first meal of the day.";
    Busy "busy" "rpid:busy" "Is busy.";
    Dinner "dinner" "rpid:dinner" "Eats the last meal of the day.";
    Holiday "holiday" "rpid:holiday" "Has a public holiday.";
    InTransit "in-transit" "rpid:in-transit" "Rides in a vehicle.";
    LookingForWork "looking-for-work" "rpid:looking-for-work" "Looks for paid work.";
    Lunch "lunch" "rpid:lunch" "Eats in the middle of the day.";
    Meal "meal" "rpid:meal" "Eats.";
    Meeting "meeting" "rpid:meeting" "Is in a meeting.";
    OnThePhone "on-the-phone" "rpid:on-the-phone" "Talks on the telephone.";
    Performance "performance" "rpid:performance" "Sits in a theatre or the like.";
    PermanentAbsence "permanent-absence" "rpid:permanent-absence" "Will not come back.";
    Playing "playing" "rpid:playing" "Plays a game or a sport.";
    Presentation "presentation" "rpid:presentation" "Gives or hears a presentation.";
    Shopping "shopping" "rpid:shopping" "Shops.";
    Sleeping "sleeping" "rpid:sleeping" "Sleeps.";
    Spectator "spectator" "rpid:spectator" "Watches a game or the like.";
    Steering "steering" "rpid:steering" "Drives or steers something.";
    Travel "travel" "rpid:travel" "Is on a trip.";
    Tv "TV" "rpid:TV" "Watches television.";
    Vacation "vacation" "rpid:vacation" "Is on vacation.";
    Working "working" "rpid:working" "Works.";
    Worship "worship" "rpid:worship" "Takes part in a religious rite.";
    Unknown "unknown" "rpid:unknown" "Nobody knows.";
}

impl Activity {
    /// The activity that an element inside `activities` says: by its name, as RFC 4480 has it, or
    /// in `activity` or `other` by its text.
    pub(super) fn read(element: &Element) -> Option<Activity> {
        let said = match element.name.as_str() {
            "activity" | "other" => element.text.trim(),
            "note" => return None,
            name => name,
        };
        let known = Activity::REGISTERED
            .iter()
            .find(|activity| activity.as_str().eq_ignore_ascii_case(said));
        match known {
            Some(known) => Some(known.clone()),
            None => text::shown(said).map(Activity::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::xml;

    fn read(text: &str) -> Option<Activity> {
        let bytes = format!("<activities>{text}</activities>");
        Activity::read(&xml::read(bytes.as_bytes(), "activities").unwrap().children[0])
    }

    #[test]
    fn an_activity_is_said_by_name_or_by_text() {
        assert_eq!(read("<on-the-phone/>"), Some(Activity::OnThePhone));
        assert_eq!(read("<r:tv/>"), Some(Activity::Tv));
        assert_eq!(
            read("<activity>Meeting</activity>"),
            Some(Activity::Meeting)
        );
        let juggling = Activity::Other("juggling".to_owned());
        assert_eq!(read("<other>juggling</other>"), Some(juggling.clone()));
        assert_eq!(read("<juggling/>"), Some(juggling));
        assert_eq!(read("<note>at two</note>"), None);
        assert_eq!(read("<other> </other>"), None);
    }

    #[test]
    fn every_registered_activity_has_its_element() {
        for activity in Activity::REGISTERED {
            let token = activity.as_str();
            assert_eq!(activity.element(), Some(format!("rpid:{token}").as_str()));
            assert_eq!(read(&format!("<{token}/>")).as_ref(), Some(activity));
        }
    }
}
