"""First names of people, by the pronoun that GSM8K's questions use for them."""

from __future__ import annotations

_BOYS = """
    Aaron Abraham Adam Adrian Akeno Alan Albert Alexander Alfonso Alfred Allen Allyn Alvin Andrew Andy Anthony
    Antoine Antonio Antonov Archibald Archie Arman Armand Arnel Arnold Arthur Ashton Aston Austin Balki Barney Barry
    Bart Baylor Beau Ben Benjamin Bennett Benny Bernie Bert Biff Bill Billy Blake Bob Bobby Bodhi Borgnine Boris
    Brad Brady Bran Brandon Brendan Bret Brett Brian Brody Brogan Bronson Bruce Bruno Bryan Bryce Bubba Bucky Caden
    Caiden Caleb Callen Calum Calvin Carl Carlo Carlos Carlson Carlton Carter Cesar Chad Chandler Chang Charles
    Christopher Chuck Clayton Clinton Clive Clyde Coby Coco Codger Cody Colbert Colin Conner Connor Conor Cooper
    Corveus Cristian Curtis Cyrus Dale Dan Daniel Danny Dante Darcy Darius Darnell Darrel Darry Darryl Darwin Daryl
    Davante Dave David Davonte Deane Dennis Denny Derek Desmond Devin Dexter Diego Dikembe Dimitri Dino Dirk Djibo
    Don Donald Donny Dorchester Dubois Earl Eddie Edmund Edric Edward Elijah Elroy Elvis Emiliano Emir Emmanuel
    Enrique Ephraim Eric Ernest Erwan Erwin Estevan Ethan Eugene Evan Fabian Felix Finnegan Fortchaud Frank Fred
    Freddie Gabe Gary Gavin Geoff Geordie George Gerald Gideon Gilbert Giorgio Glenn Gondor Gordon Grady Graeme
    Grant Grayson Greg Grover Gunner Gunther Gus Hakeem Hank Hans Harold Harris Harrison Harry Harvey Hasan Hawkeye
    Hayden Henri Henry Herman Hershel Holden Howard Iain Ian Ibrahim Iggy Ignatius Ishmael Issac Ittymangnark Ivan
    Ivar Jack Jackson Jaco Jacob Jacque Jake James Jameson Jared Jaron Jason Jasper Javier Jaydee Jayson Jebb Jed
    Jeff Jefferson Jeremy Jerome Jerry Jesiah Jett Jim Jimmy Joe Joel Joey Johan Johann John Johnny Johns Jon Jonah
    Jonas Jonathan Jorge Jose Joseph Josh Joshua Juan Jules Julio Justin Kaiden Kamil Karl Karson Keanu Keaton
    Keegan Keith Kekai Ken Kenneth Kenny Kevin Kirill Kohen Krystian Kurt Kyle Lance Langsley Lao Larry Lawrence
    Lemuel Lennon Leo Levi Lex Liam Llesis Lloyd Logan Lorenzo Lou Louie Louis Lowry Lucas Lucca Ludwig Luis Luke
    Luther Lyle Mac Maciek Malcolm Mancino Manex Manny Manola Manuel Marc Marco Marcos Marcus Mario Mark Markus
    Marlon Martin Martinez Marvin Mason Mathews Matias Matt Matthew Maurice Max Maximilian Maximoff Maxwell Mayer
    Michael Michelangelo Mikail Mike Mikey Milo Milton Mitchell Montero Musa Nate Nathan Nathaniel Ned Neeley Neil
    Nguyen Nick Nicky Niko Nikola Niles Noah Ocho Olaf Oleg Oliver Olly Omar Osborn Oscar Oshea Owen Pablo Patrick
    Paul Pauly Percius Percy Perry Pete Peter Phil Philip Phill Phillip Pierre Porter Preston Quentavious Quincy
    Quinten Quinton Rafael Ragnar Rainwater Raj Ralph Randy Raul Ravi Ray Reggie Reyansh Reynald Rhett Rick Ricky
    Rikki Rob Robbie Robert Roberto Rocco Rocky Rodney Roger Roland Rollo Romeo Ron Ronald Ronnie Ross Roy Rudolph
    Rudy Ruiz Ryan Salazar Samson Samuel Sandro Scott Sean Sebastian Sedrach Sergio Seth Shane Sherman Simon Spencer
    Stan Stefan Stephen Steve Steven Stuart Ted Teddy Terez Theo Theodore Thomas Tim Timmy Timothy Tobias Toby Tod
    Todd Tom Tomas Tommy Tony Tory Travis Trent Trevor Trey Tristan Troy Tye Tyler Tyrone Tyson Valentino Vann
    Victor Viggo Vincent Vinnie Vins Vlad Wade Wallace Wayne Wes Wesley Wickham Will William Wilson Winston Wyatt
    Xavier Yanni Yuri Zach Zack Zane Zayne Ziggy Zion Zubir
"""
_GIRLS = """
    Abby Abie Abigail Adrianna Agatha Aimee Aisha Alexa Alexandra Alexis Alice Alicia Alison Alissa Aliyah Allie
    Allison Alma Alyssa Amalia Amanda Amara Amare Amaro Amaya Amber Amelia Amiyah Amy Ana Anahi Andrea Angela Angie
    Ann Anna Annalise Anne Annie Antonella Antonia Anya Arabella Ariana Ariel Arlene Artemis Ashley Aubrey Aubriella
    Audrey Ayen Ayla Baez Barbara Beatrice Becky Bekah Bella Beth Bethany Betsy Betty Beyonce Birgit Blanch Bonnie
    Braelynn Brenda Brianna Brianne Bridgette Brittany Cadence Caitlin Camille Candace Candice Caprice Cara Carla
    Carly Carmela Carmen Carol Caroline Carolyn Carrie Cassandra Cassidy Cassie Catherine Cathy Catriona Celina
    Celine Cersei Chantal Chantel Charlotte Chelsea Chenny Cheryl Cheyenne Chloe Christina Christine Cindy Claire
    Clara Clare Claudia Colleen Connie Cori Cortney Cory Cristine Crystal Cynthia Daisy Danai Daniela Danielle
    Daphney Darcie Daria Darla Darma Davida Debbie Deborah Debra Delores Diana Diane Dianne Didi Donna Doris Dorothy
    Dunbar Edith Elena Elisa Elise Eliza Elizabeth Ella Elle Ellen Ellie Elois Elsa Elsie Elysse Emberly Emilia
    Emily Emma Emmalyn Emmy Erica Erika Erin Eva Eve Evelyn Evie Faith Fatima Faye Felicia Felicity Fifi Fran
    Francie Francine Gabby Gabrielle Gail Geli Genevieve Georgia Georgina Gigi Gina Gloria Grace Greta Gretchen
    Gwendolyn Hadassah Haleigh Haley Hallie Hana Hannah Harly Harriett Hazel Heather Helen Helga Henley Henrietta
    Hilary Hillary Holly Ines Inez Irene Isabel Isabela Isabella Isabelle Ivy Jade Jane Janele Janelle Janet Janeth
    Janette Janice Janine Jasmine Jaylen Jaynie Jeanette Jemma Jen Jenine Jenn Jenna Jennie Jennifer Jenny Jeremie
    Jess Jessa Jessica Jessy Jezebel Jill Jillian Joan Joanie Joanna Joanne Jodi Jolene Jonessa Josephine Josie
    Joyce Juanita Julia Julie Julieta Juniper Juvy Kara Karen Karina Kat Kataleya Kate Kath Katherine Kathleen Katie
    Katrina Katy Kaylee Keesha Keiko Kelsey Kendra Kendy Kiki Kim Kimberly Kimiko Kingsley Kira Kristy Kylie Lana
    Lanie Lara Laran Latia Laticia Laura Lauren Layla Leah Leila Lena Lexi Lexie Libby Lidia Lilia Lilibeth Lilith
    Lillian Lily Linda Lindsay Lindsey Lisa Liz Liza Lizette Lizzy Lois Loisa Lola Lolita Loraine Louise Lucia
    Lucille Lucy Luisa Lulu Luna Lydia Lyka Lynne Lyra Mabel Maci Macy Maddie Maddy Madeline Madison Maggie Maia
    Maisy Makenna Mallory Mandy Marcia Marcy Margaret Marge Maria Marian Marie Mariel Marissa Marites Marj Marjorie
    Marla Marnie Marsha Marta Martha Martiza Mary Maryann Mathilda Matilda Maya Mckenna Meadow Megan Melanie Melany
    Melinda Melissa Mell Melony Merry Meryll Mia Mica Michelle Michonne Mikaela Milena Miley Milly Mindy Minnie
    Miranda Mirasol Miriam Missy Mobius Molly Mona Monica Monika Mosel Myrtle Nadia Nadine Nala Nalani Nancy Naomi
    Natalia Natalie Natasha Nellie Nelly Nicole Nida Nikka Nina Noemi Nora Nori Norma Oaklyn Olga Olivia Oprah Paige
    Paityn Pam Patricia Patsy Patty Paula Pauline Peggy Penelope Penny Phoebe Phyllis Polly Porche Pria Rachel Raine
    Rebecca Regina Renne Rhea Rica Rita Roberta Roshesmina Rosie Roxanne Roxy Ruby Ruth Rylee Sabina Sabrina Salaria
    Salem Sally Samantha Samira Sandi Sandra Sandy Sansa Santana Sanya Sara Sarah Sasha Savannah Scarlet Selena
    Selene Shaniqua Shara Sharon Shawna Sheena Sheila Shelby Shelly Shenny Sherry Sheryll Shonda Shyne Sidney Silvia
    Socorro Sofia Sonja Sophia Sophie Stacy Stella Steph Stephanie Stormi Sue Susan Susie Suzanna Suzanne Suzy
    Sylvie Tabitha Taegan Tamara Tameka Tamia Tammy Tanesha Tanika Tanya Tara Teairra Tenisha Teresa Tiffany Tilly
    Tina Tirzah Tonya Tracy Tricia Trish Ursula Vaishali Val Valerie Vanessa Veronica Vicky Victoria Vikki Violet
    Vivi Vivian Wanda Wendi Wendy Weng Whitney Willow Wynter Xena Yanna Yasmin Yasna Yella Yulia Yvette Zara Zoe
"""

BOYS = frozenset(_BOYS.split())
GIRLS = frozenset(_GIRLS.split())
